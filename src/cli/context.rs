//! CONTEXT.md in the data root: for whoever reads the Parquet without this program.

use std::fs;

use crate::resources;
use crate::store::StoreError;
use crate::store::fsio;
use crate::store::root::DataRoot;

/// Writes CONTEXT.md if it is not what it should be. The user's own section in it is kept.
///
/// # Errors
/// When the root is not writable.
pub fn refresh(root: &DataRoot) -> Result<(), StoreError> {
    let path = root.context_path();
    let existing = fs::read_to_string(&path).ok();
    let text = resources::context::generate(existing.as_deref());
    if existing.as_deref() == Some(text.as_str()) {
        return Ok(());
    }
    fsio::replace(&path, text.as_bytes())
}
