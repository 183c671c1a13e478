//! What clients see when they list, as snapshots: a change is a change of the product, made on purpose.

use super::*;

/// Compares with the file, or writes it when REPLAYER_BLESS is set.
fn snapshot(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/snapshots").join(name);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("REPLAYER_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "{name} has changed; if on purpose: REPLAYER_BLESS=1 cargo test --release listing\n{}",
        text.lines().zip(known.lines()).find(|(new, old)| new != old).map_or("", |(new, _)| new)
    );
}

#[test]
fn tools_are_as_in_the_snapshot() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    snapshot("tools.json", &wire.ask("tools/list", json!({}))["result"]);
}

#[test]
fn resources_are_as_in_the_snapshot() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    let resources = wire.ask("resources/list", json!({}))["result"].clone();
    let templates = wire.ask("resources/templates/list", json!({}))["result"].clone();
    snapshot("resources.json", &json!({"resources": resources, "templates": templates}));
}

#[test]
fn the_listing_costs_a_model_little() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    let tools = wire.ask("tools/list", json!({}))["result"].clone();
    // Output schemas are for programs; names, descriptions and arguments are what a model pays for.
    let seen: usize = tools["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            tool["name"].to_string().len()
                + tool["description"].to_string().len()
                + tool["inputSchema"].to_string().len()
        })
        .sum();
    // Twelve tools, about nine thousand tokens.
    assert!(seen < 34_500, "{seen} bytes");
}
