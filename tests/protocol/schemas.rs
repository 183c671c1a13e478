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
        schemas.insert(schema["title"].as_str().unwrap().to_owned(), schema);
    }
    let mut checked = 0;
    for (name, payload) in plain_events(2).into_iter().filter(|(_, payload)| !payload.is_null()) {
        let schema = schemas.get(&name).unwrap_or_else(|| panic!("no schema of {name}"));
        if let Err(error) = valid(schema, &payload, "$") {
            panic!("{name}: {error}");
        }
        checked += 1;
    }
    assert!(checked > 500);
    let states = &schemas["gameStateUpdate"];
    let wrong = valid(states, &serde_json::json!({"gameId": 5}), "$").unwrap_err();
    assert!(wrong.contains("lacks") || wrong.contains("$.gameId"), "{wrong}");
    let state = plain_events(2).into_iter().find(|(name, _)| name == "gameStateUpdate").unwrap().1;
    let mut broken = state.clone();
    broken["gameId"] = 5.into();
    assert!(valid(states, &broken, "$").unwrap_err().contains("$.gameId"));
    assert!(valid(states, &state, "$").is_ok());
}

/// The keywords that the schemas use, by the letter of draft 2020-12; others are annotations.
fn valid(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let known = [
        "type",
        "enum",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "anyOf",
        "title",
        "description",
        "examples",
        "$schema",
        "$comment",
    ];
    let object = schema.as_object().unwrap();
    assert!(object.keys().all(|key| known.contains(&key.as_str()) || key.starts_with("x-")), "{schema}");
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
    };
    if !types.is_empty() && !types.iter().any(|name| is(name)) {
        return Err(format!("{at} is {value}, not {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Err(format!("{at} is {value}, not of {}", schema["enum"]));
    }
    if let Some(map) = value.as_object() {
        for key in schema["required"].as_array().into_iter().flatten() {
            if !map.contains_key(key.as_str().unwrap()) {
                return Err(format!("{at} lacks {key}"));
            }
        }
        for (key, value) in map {
            let place = format!("{at}.{key}");
            match schema["properties"].get(key) {
                Some(inner) => valid(inner, value, &place)?,
                None if schema.get("additionalProperties").is_some() => {
                    valid(&schema["additionalProperties"], value, &place)?;
                }
                None => {}
            }
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().try_for_each(|value| valid(items, value, &format!("{at}[]")))?;
    }
    match schema["anyOf"].as_array() {
        Some(any) if any.iter().all(|one| valid(one, value, at).is_err()) => Err(format!("{at} is none of anyOf")),
        _ => Ok(()),
    }
}
