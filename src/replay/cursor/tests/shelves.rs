//! Many cursors.

use super::super::orders::Orders;
use super::super::registry::{CursorRegistry, MOST_CURSORS, ShelfError};
use super::*;
use crate::replay::account::Settings;

fn add(registry: &CursorRegistry, id: &str) -> String {
    let orders = Orders::new(Settings::default());
    let again = |cursor: &Cursor| format!("\"game_id\": \"{}\"", cursor.outline().choices[0].game_id);
    registry.open(games(&[id]), orders, again, |_, _| Ok(())).unwrap().0
}

#[test]
fn the_one_longest_unused_is_forgotten_and_says_how_to_open_it_again() {
    let (root, _archive, truths, _) = recorded(small(1, 2));
    let registry = CursorRegistry::new(root.root.path().to_owned());
    let id = truths[0].game_id.as_str();
    let first = add(&registry, id);
    let second = add(&registry, id);
    let place = registry.with(&first, |held, archive| {
        held.cursor.step(archive, 7, Unit::Event, &budget())?;
        Ok(held.cursor.place().unwrap().event_ref)
    });
    let place = place.unwrap();
    let handles: Vec<String> = (0..MOST_CURSORS - 1).map(|_| add(&registry, id)).collect();
    assert_eq!(registry.list().len(), MOST_CURSORS);
    match registry.with(&second, |_, _| Ok(())).unwrap_err() {
        ShelfError::Forgotten(known) => assert!(!known.closed && known.opened.contains(id)),
        other => panic!("{other}"),
    }
    assert!(registry.with(&first, |_, _| Ok(())).is_ok(), "it was used after the second");
    for handle in &handles {
        registry.with(handle, |_, _| Ok(())).unwrap();
    }
    add(&registry, id);
    match registry.with(&first, |_, _| Ok(())).unwrap_err() {
        ShelfError::Forgotten(known) => assert_eq!(known.event_ref, place, "where it was"),
        other => panic!("{other}"),
    }
    assert!(matches!(registry.with("cursor-0", |_, _| Ok(())), Err(ShelfError::Unknown)));
}

#[test]
fn a_closed_cursor_is_gone_and_handles_are_all_different() {
    let (root, _archive, truths, _) = recorded(small(2, 1));
    let registry = CursorRegistry::new(root.root.path().to_owned());
    let (a, b) = (add(&registry, &truths[0].game_id), add(&registry, &truths[0].game_id));
    assert_ne!(a, b);
    registry.close(&a).unwrap();
    assert!(matches!(registry.close(&a), Err(ShelfError::Forgotten(known)) if known.closed));
    assert_eq!(registry.list().len(), 1);
}

#[test]
fn a_cursor_that_cannot_be_placed_is_not_kept() {
    let (root, _archive, truths, _) = recorded(small(3, 1));
    let registry = CursorRegistry::new(root.root.path().to_owned());
    let orders = Orders::new(Settings::default());
    let failed = registry.open(
        games(&[&truths[0].game_id]),
        orders,
        |_| String::new(),
        |held, archive| held.cursor.seek(archive, &Target::Seq(u64::MAX), &budget()),
    );
    assert!(failed.is_err() && registry.list().is_empty());
}
