//! Generated JSON Schemas: the frames they were made from are valid, changed ones are not.

use std::collections::BTreeMap;

use replayer::verify::check::Scope;
use replayer::verify::document::{Format, documents};
use replayer::verify::explore::Explorer;
use serde_json::Value;

use super::{House, plain_events};

#[test]
fn frames_are_valid_against_the_schemas_made_from_them() {
    let house = House::played(2);
    let explorer = Explorer::new(house.root.path());
    let digest = explorer.digest(&Scope::default(), &|| false).unwrap();
    let documents = documents(&digest, &explorer.marks(), Format::Schema);
    let mut schemas = BTreeMap::new();
    for document in documents {
        let schema: Value = serde_json::from_str(&document.text).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let validator =
            jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{}: {error}", document.name));
        schemas.insert(schema["title"].as_str().unwrap().to_owned(), validator);
    }
    let mut checked = 0;
    for (name, payload) in plain_events(2).into_iter().filter(|(_, payload)| !payload.is_null()) {
        let schema = schemas.get(&name).unwrap_or_else(|| panic!("no schema of {name}"));
        if let Err(error) = schema.validate(&payload) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
        checked += 1;
    }
    assert!(checked > 500);
    let states = &schemas["gameStateUpdate"];
    assert!(!states.is_valid(&serde_json::json!({"gameId": 5})), "a wrong type and missing keys");
}
