//! How the state and the local account of the place differ from those of another one.

use serde_json::Value;

use super::Orders;
use crate::replay::cursor::archive::Shared;
use crate::replay::cursor::error::CursorError;
use crate::replay::cursor::place::{self, Difference, Place};
use crate::replay::cursor::seek::Target;
use crate::replay::cursor::{Budget, Cursor};

/// Another place, and what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The other place.
    pub other: Option<Place>,
    /// Every value that differs; before is the earlier place.
    pub differences: Vec<Difference>,
}

/// What to compare with.
#[derive(Debug, Clone, Copy)]
pub struct With<'a> {
    /// This place.
    pub target: Option<&'a Target>,
    /// Else this one, span and event: where the cursor was before. Else the start.
    pub before: Option<(usize, usize)>,
    /// Prices and ranking too.
    pub detailed: bool,
}

impl Orders {
    /// Compares the cursor's place with another one. The cursor stays where it is.
    ///
    /// # Errors
    /// When there is no such place, or the store cannot be read.
    pub fn compared(
        &self,
        cursor: &mut Cursor,
        archive: &Shared,
        with: With<'_>,
        budget: &Budget<'_>,
    ) -> Result<Compared, CursorError> {
        let here = cursor.position();
        let now = self.whole(cursor, with.detailed);
        match (with.target, with.before) {
            (Some(target), _) => {
                cursor.seek(archive, target, budget)?;
            }
            (None, Some((span, index))) => cursor.go_to(archive, span, index)?,
            (None, None) => {
                cursor.seek(archive, &Target::Start, budget)?;
            }
        }
        let there = cursor.position();
        let then = self.whole(cursor, with.detailed);
        let other = cursor.place();
        cursor.go_to(archive, here.0, here.1)?;
        let (before, after) = if there <= here { (&then, &now) } else { (&now, &then) };
        Ok(Compared { other, differences: place::differences(before, after) })
    }

    /// State and local account of the place, as one value.
    pub fn whole(&self, cursor: &mut Cursor, detailed: bool) -> Value {
        let mut whole = serde_json::to_value(cursor.snapshot(detailed)).unwrap_or_default();
        if let Value::Object(state) = &mut whole {
            state.remove("folded_from");
            if self.is_used(cursor) {
                state.insert("local_account".to_owned(), Value::Object(self.view(cursor, true)));
            }
        }
        whole
    }
}
