//! How many fields an event has: one number everywhere.

use serde_json::json;

use super::json_of;
use crate::common::{record, root};
use crate::server::Wire;

#[test]
fn every_surface_counts_the_same_fields() {
    let (_folder, root) = root();
    record(&root, 2);
    let mut wire = Wire::opened(root.path());
    let overview = wire.call("describe_protocol", json!({"limit": 200}))["overview"]["events"].clone();
    let column = overview["columns"].as_array().unwrap().iter().position(|name| name == "fields").unwrap();
    for event in ["playerUpdate", "gameStateUpdate", "standard/newTrade", "buyOrder", "rugRoyaleUpdate"] {
        let rows = overview["rows"].as_array().unwrap();
        let told = rows.iter().find(|row| row[0] == event).unwrap()[column].clone();
        let view = wire.call("describe_protocol", json!({"event": event}))["event"].clone();
        assert_eq!(view["fields_total"], told, "{event}");
        let whole = wire.call("describe_protocol", json!({"event": event, "depth": 0, "limit": 1000}));
        assert_eq!(whole["event"]["fields_total"], told, "{event}");
        assert_eq!(whole["event"]["fields_selected"], told, "{event}");
        let sql = format!("SELECT count(*) FROM field WHERE event_name = '{event}'");
        assert_eq!(wire.call("query_sql", json!({"sql": sql}))["rows"][0][0], told, "{event}");
        let shown = json_of(&root, &["protocol", "show", event, "--json"]);
        assert_eq!(shown["fields_total"], told, "{event}");
    }
}
