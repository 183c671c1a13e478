//! The steps of sealing and of looking at the store, where a test can hold one of them and let the other go on: what
//! a reader sees between any two steps of the writer is then tried, instead of hoped for. Outside of tests this is
//! nothing.

/// A place between two actions on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The sealer wrote the parts, under temporary names.
    PartsWritten,
    /// The sealer gave one part its name.
    PartNamed,
    /// All parts have their names; no catalog names them yet.
    PartsNamed,
    /// The catalog names the parts.
    CatalogReplaced,
    /// One segment of the journal, or a part that another one replaces, was removed.
    FileRemoved,
    /// A reader took the catalog.
    CatalogRead,
    /// A reader listed the journal's segments.
    JournalListed,
    /// A reader read one segment to its end.
    SegmentRead,
    /// Somebody who looks for parts that no catalog names listed the journal's segments.
    JournalsListed,
}

/// Tells the test of this thread, if there is one, that a step was reached; returns when the test lets it go on.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn reached(_: Step) {}

#[cfg(test)]
pub(super) use hooks::{at_each, reached};

#[cfg(test)]
mod hooks {
    use std::cell::RefCell;

    use super::Step;

    type Hook = Box<dyn FnMut(Step)>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    pub(crate) fn reached(step: Step) {
        // Taken out while it runs: what the hook does may reach steps of its own.
        if let Some(mut hook) = HOOK.take() {
            hook(step);
            HOOK.set(Some(hook));
        }
    }

    /// Runs `action` on this thread and calls `hook` at each of its steps.
    pub(crate) fn at_each<T>(hook: impl FnMut(Step) + 'static, action: impl FnOnce() -> T) -> T {
        HOOK.set(Some(Box::new(hook)));
        let result = action();
        HOOK.set(None);
        result
    }
}
