//! HTTP archives (HAR): the messages of the game's WebSockets (`log.entries[]._webSocketMessages`), and those that went by
//! long polling before the socket was open. Headers, cookies, addresses and everything else of an archive are not looked at,
//! and never stored.

use crate::fields::Fields;
use crate::hosts::Hosts;

use super::elements;

/// One thing of an archive, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'t> {
    /// A message of the socket with this number, from 1.
    Message(usize, &'t str),
    /// Frames that were sent (`true`) or received by long polling, with the entry's time.
    Polled(bool, &'t str, Option<String>),
    /// A socket of another host, with so many messages.
    OtherHost(usize),
}

/// Whether an object is an archive.
pub fn is_har(fields: &Fields) -> bool {
    fields
        .object("log")
        .is_some_and(|log| log.get("entries").is_some_and(|entries| entries.get().starts_with('[')))
}

/// What is to be read of an archive. All texts are pieces of `text`.
pub fn items<'t>(fields: &Fields<'t>, hosts: &Hosts) -> Vec<Item<'t>> {
    let mut items = Vec::new();
    let mut socket = 0;
    let Some(entries) = fields.object("log").and_then(|log| log.get("entries")) else { return items };
    for (_, entry) in elements(entries.get()).map_while(Result::ok) {
        let Ok(entry) = Fields::parse(entry) else { continue };
        let address = entry.object("request").and_then(|request| request.text("url")).unwrap_or_default();
        let is_ours = hosts.has_address(&address);
        if let Some(messages) = entry.get("_webSocketMessages").filter(|messages| messages.get().starts_with('['))
        {
            let messages = elements(messages.get()).map_while(Result::ok).map(|(_, message)| message);
            if is_ours {
                socket += 1;
                items.extend(messages.map(|message| Item::Message(socket, message)));
            } else {
                items.push(Item::OtherHost(messages.count()));
            }
        } else if is_ours && address.contains("transport=polling") {
            polled(&entry, &mut items);
        }
    }
    items
}

/// Whether anything of an archive is to be read.
pub fn has_messages(text: &str, hosts: &Hosts) -> bool {
    let items = Fields::parse(text).map(|fields| items(&fields, hosts)).unwrap_or_default();
    items.iter().any(|item| !matches!(item, Item::OtherHost(_)))
}

fn polled<'t>(entry: &Fields<'t>, items: &mut Vec<Item<'t>>) {
    let time = entry.text("startedDateTime").map(String::from);
    let sent =
        entry.object("request").and_then(|request| request.object("postData")).and_then(|body| body.get("text"));
    let received =
        entry.object("response").and_then(|response| response.object("content")).and_then(|body| body.get("text"));
    for (is_sent, text) in [(true, sent), (false, received)] {
        if let Some(text) = text {
            items.push(Item::Polled(is_sent, text.get(), time.clone()));
        }
    }
}
