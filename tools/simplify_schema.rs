//! Input schemas without what a model pays for and does not need. An argument that may be left out is an optional one;
//! that `null` stands for leaving it out, and which machine integer holds it, tells a model nothing.

use serde_json::{Map, Value};

/// The schema, leaner: the same arguments, descriptions and required names.
pub fn simplify_schema(mut schema: Map<String, Value>) -> Map<String, Value> {
    schema.remove("$schema");
    trim_all(&mut schema);
    schema
}

fn trim_all(object: &mut Map<String, Value>) {
    trim(object);
    for value in object.values_mut() {
        match value {
            Value::Object(inner) => trim_all(inner),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(trim_all),
            _ => {}
        }
    }
}

fn trim(object: &mut Map<String, Value>) {
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| !is_null(kind));
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            object.insert("type".into(), kind);
        }
    }
    if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
        forms.retain(|form| !is_null(form));
        if let [Value::Object(form)] = forms.as_slice() {
            let form = form.clone();
            object.remove("anyOf");
            // The description of the place says more than that of the type.
            for (key, value) in form {
                object.entry(key).or_insert(value);
            }
        }
    }
    // A property may have any name; these are keywords only where their value has the keyword's form.
    if object.get("format").is_some_and(Value::is_string) {
        object.remove("format");
    }
    if object.get("minimum").is_some_and(|least| least == 0 || least == 0.0) {
        object.remove("minimum");
    }
    if object.get("default").is_some_and(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty)) {
        object.remove("default");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_keep_their_names_and_descriptions() {
        let fat = json!({
            "$schema": "x", "type": "object", "required": ["a"],
            "properties": {
                "a": {"type": ["integer", "null"], "format": "uint64", "minimum": 0, "description": "A."},
                "format": {"description": "F.", "anyOf": [{"$ref": "#/$defs/F"}, {"type": "null"}]},
            },
            "$defs": {"F": {"type": "string"}},
        });
        let simple = simplify_schema(fat.as_object().unwrap().clone());
        assert_eq!(
            Value::Object(simple),
            json!({
                "type": "object", "required": ["a"],
                "properties": {
                    "a": {"type": "integer", "description": "A."},
                    "format": {"description": "F.", "$ref": "#/$defs/F"},
                },
                "$defs": {"F": {"type": "string"}},
            })
        );
    }
}
