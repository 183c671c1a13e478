//! Any bytes as the manifest of parts, and as its copy: it is read, or said to be damaged, and the root opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replayer_store::Store;
use replayer_store::catalog::Catalog;
use replayer_store::root::DataRoot;

fuzz_target!(|input: &[u8]| {
    let (main, copy) = match input.iter().position(|byte| *byte == 0) {
        Some(split) => (&input[..split], Some(&input[split + 1..])),
        None => (input, None),
    };
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    std::fs::write(root.catalog_path(), main).unwrap();
    if let Some(copy) = copy {
        std::fs::write(root.catalog_copy_path(), copy).unwrap();
    }
    let catalog = Catalog::load(&root).unwrap();
    // Nothing that it names is there.
    assert!(catalog.parts.is_empty() || catalog.parts.iter().all(|part| root.path().join(&part.path).exists()));
    drop(Store::open(&root, "fuzz").unwrap());
});
