//! What is said about a file of no known kind: what it looks like, which known shape is nearest, and how to make one of it.
//! Names of keys are said, never values: a value may be a secret.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::formats::{FORMATS, frames, names};
use super::time;

/// The most keys that a sentence names.
const NAMED_KEYS: usize = 12;

/// Archives and compressions that are not read, with what to do.
pub fn packed(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 6] = [
        (b"BZh", "compressed with bzip2. Unpack it first: bunzip2 --keep FILE"),
        (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive. Unpack it first: 7z x FILE"),
        (b"Rar!", "a RAR archive. Unpack it first: unrar x FILE"),
        (b"\x04\x22\x4D\x18", "compressed with LZ4. Unpack it first: lz4 -d FILE"),
        (
            b"PK\x07\x08",
            "a part of a ZIP archive that was split. Join its parts first: zip -FF FILE --out WHOLE.zip",
        ),
        (b"LZIP", "compressed with lzip. Unpack it first: lzip -dk FILE"),
    ];
    if let Some((_, advice)) = known.into_iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(advice);
    }
    (head.get(257..262) == Some(b"ustar")).then_some("a tar archive. Unpack it first: tar xf FILE")
}

/// About a binary file.
pub fn binary(head: &[u8]) -> String {
    let known: [(&[u8], &str); 9] = [
        (b"\x89PNG", "a PNG picture"),
        (b"\xFF\xD8\xFF", "a JPEG picture"),
        (b"%PDF", "a PDF document"),
        (b"\x7FELF", "a program"),
        (b"MZ", "a program"),
        (b"ARROW1", "an Arrow file; write its rows as Parquet or JSON lines, and import those"),
        (b"Obj\x01", "an Avro file; write its rows as JSON lines, and import those"),
        (b"\x80\x04\x95", "a pickle of Python; write its frames one a line as text, and import those"),
        (b"DUCK", "a DuckDB database; export its tables as Parquet or CSV, and import those"),
    ];
    if head.get(8..12) == Some(b"DUCK") {
        return "a DuckDB database; export its tables as Parquet or CSV, and import those".to_owned();
    }
    let what = known.into_iter().find(|(signature, _)| head.starts_with(signature)).map(|(_, what)| what);
    what.unwrap_or("a binary file of no known kind").to_owned()
}

/// About a text that is no JSON.
pub fn text(start: &[u8]) -> String {
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let looks = match first.first() {
        Some(b'<') => "HTML or XML",
        Some(b'{' | b'[') => "JSON that is damaged",
        _ if first.contains(&b',') || first.contains(&b'\t') => "text, perhaps a table",
        _ => "text",
    };
    format!(
        "no line of a known format: it looks like {looks}. Nearest is one frame a line, with or without a time before it: \
         2026-01-15T14:00:00Z 42[\"gameStateUpdate\",{{…}}]"
    )
}

/// About JSON objects of no known format.
pub fn object(fields: &Fields) -> String {
    let keys: Vec<&str> = fields.iter().map(|(key, _)| key).collect();
    let mut shown: Vec<String> = keys.iter().take(NAMED_KEYS).map(|key| shortened(key)).collect();
    if keys.len() > NAMED_KEYS {
        shown.push("…".to_owned());
    }
    let looks = format!("JSON with the keys {}", shown.join(", "));
    if let Some(path) = path_of_frame(fields, 0) {
        let time = time::KEYS.iter().find_map(|name| key_called(fields, name));
        let time = time.map(|key| format!("ts={key},")).unwrap_or_default();
        return format!("{looks}. The text at {path} is a frame: import it with --map {time}frame={path}");
    }
    let nearest =
        FORMATS.iter().map(|format| (format, shared(format.keys(), fields))).max_by_key(|(_, shared)| *shared);
    let near = match nearest {
        Some((format, shared)) if shared > 0 => {
            let missing: Vec<_> = format.keys().iter().filter(|key| !fields.has(key)).copied().collect();
            format!("nearest is {} ({}); {} missing", format.name(), format.keys().join(", "), missing.join(", "))
        }
        _ => "nearest is frames (ts, direction, frame)".to_owned(),
    };
    format!(
        "{looks}, which no known format has; {near}. Say where the parts are with --map ts=KEY,frame=KEY or --map \
         ts=KEY,event=KEY,data=KEY, or write the frames one a line"
    )
}

fn shared(keys: &[&str], fields: &Fields) -> usize {
    keys.iter().filter(|key| fields.has(key)).count()
}

fn key_called<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.iter().map(|(key, _)| key).find(|key| names::is_called(key, name))
}

/// Where a text that is a frame lies, anywhere in an object.
fn path_of_frame(fields: &Fields, depth: u8) -> Option<String> {
    for (key, value) in fields.iter() {
        if frames::is_frame(value) && value.get().len() > 8 {
            return Some(shortened(key));
        }
        if value.get().starts_with('{') && depth < 4 {
            let inner = Fields::parse(RawValue::get(value)).ok();
            if let Some(path) = inner.and_then(|inner| path_of_frame(&inner, depth + 1)) {
                return Some(format!("{}.{path}", shortened(key)));
            }
        }
    }
    None
}

/// A key as a sentence names it: whatever a key holds that long is no name.
fn shortened(key: &str) -> String {
    match key.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", key.get(..at).unwrap_or_default()),
        None => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn about(text: &str) -> String {
        object(&Fields::parse(text).unwrap())
    }

    #[test]
    fn a_frame_at_an_unusual_place_gives_the_mapping_that_reads_it() {
        let text = about(r#"{"time_ms": 1, "odd": {"deep": "42[\"gameStateUpdate\",{}]"}}"#);
        assert!(text.ends_with("--map ts=time_ms,frame=odd.deep"), "{text}");
    }

    #[test]
    fn keys_are_said_and_the_nearest_format_and_no_value() {
        let text = about(r#"{"seq": 1, "ts": "INVENTED-VALUE", "what": {}}"#);
        assert!(text.contains("seq, ts, what") && text.contains("nearest is") && text.contains("--map"), "{text}");
        assert!(!text.contains("INVENTED"), "{text}");
    }

    #[test]
    fn other_files_are_called_what_they_are() {
        assert!(binary(b"\x89PNG\r\n").contains("PNG"));
        assert!(packed(b"BZh9").unwrap().contains("bunzip2"));
        assert!(text(b"<html>\n").contains("HTML"));
    }
}
