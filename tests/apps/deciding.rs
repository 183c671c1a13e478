//! Checks and proposals in the explorer, and that a decision is a person's.

use serde_json::{Value, json};

use super::devtools::Page;
use super::explorer::opened;
use super::host::Host;
use super::recorded;
use crate::common::needs;

/// Fills in the statement of the first form that is to be seen.
async fn state(page: &mut Page, statement: &str) {
    page.press("[data-part=check]").await;
    page.until("!!document.querySelector('#detail textarea')").await;
    page.in_frame(&format!("document.querySelector('#detail textarea').value = {}", json!(statement))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_checked_and_proposed_and_the_page_decides_nothing() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let mut page = opened(&chromium, &host, "gameStateUpdate").await;

    // One that is contradicted, with the cases.
    let wrong = "on gameStateUpdate: tickCount <= 3";
    state(&mut page, wrong).await;
    page.press_text("Check against all data").await;
    page.until("!!document.querySelector('.tally')").await;
    let own = host.call("verify", json!({"action": "check", "statement": wrong})).await;
    let check = &own["check"];
    let shown = page.in_frame("document.querySelector('.tally').textContent.replaceAll(',', '')").await;
    let contradicts = check["contradicts"].as_u64().unwrap();
    assert!(
        contradicts > 0 && shown.as_str().unwrap().contains(&format!("{contradicts} contradict")),
        "{shown} {check}"
    );
    assert!(page.in_frame("document.querySelectorAll('.cases li').length").await.as_u64().unwrap() > 0);

    // One that holds is proposed; the server has it, open.
    state(&mut page, "on gameStateUpdate: tickCount >= 0").await;
    page.in_frame("document.querySelector('#detail .form details').open = true").await;
    page.press_text("Propose").await;
    page.until("!!document.querySelector('#detail .question')").await;
    let (asked, answer) =
        host.calls("verify").into_iter().find(|(asked, _)| asked["action"] == "propose").unwrap();
    assert_eq!(asked["statement"], "on gameStateUpdate: tickCount >= 0");
    assert_ne!(answer["result"]["isError"], json!(true), "{answer}");

    // This host has no form: nothing is decided, and the person is shown the other way.
    page.press_text("Decide…").await;
    page.press_text("Say “I accept it”").await;
    page.until("document.querySelector('#detail').textContent.includes('Said in the chat')").await;
    let said = page.said("ui/message").await;
    assert!(said[0]["params"]["content"][0]["text"].as_str().unwrap().contains("I accept it"), "{said:?}");
    let history = host.call("verify", json!({"action": "history", "subject": "event:gameStateUpdate"})).await;
    let happened: Vec<&str> =
        history["history"].as_array().unwrap().iter().filter_map(|entry| entry["what"].as_str()).collect();
    assert_eq!(happened, ["proposed"], "nothing is decided by a press of a button");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_asked_of_the_person_by_the_server() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), Some(agree)).await;
    let mut page = opened(&chromium, &host, "gameStateUpdate").await;
    state(&mut page, "on gameStateUpdate: tickCount >= 0").await;
    page.in_frame("document.querySelector('#detail .form details').open = true").await;
    page.press_text("Propose").await;
    page.press_text("Decide…").await;
    page.until("document.querySelector('#detail').textContent.includes('Recorded')").await;
    assert_eq!(host.questions().len(), 1, "the person was asked, once");
    assert_eq!(page.in_frame("document.querySelector('#detail').textContent.includes('elicited')").await, true);
}

/// A person who agrees to what is asked: fills in every field of the form.
fn agree(question: &Value) -> Value {
    let fields = question["requestedSchema"]["properties"].as_object().cloned().unwrap_or_default();
    let filled = fields.iter().map(|(name, field)| {
        let choice = field["enum"]
            .as_array()
            .and_then(|choices| choices.iter().find(|one| **one == "accept").or(choices.first()));
        let value = match (choice, field["type"].as_str()) {
            (Some(choice), _) => choice.clone(),
            (None, Some("boolean")) => json!(true),
            _ => json!("Anna, who looked at it"),
        };
        (name.clone(), value)
    });
    json!({"action": "accept", "content": filled.collect::<serde_json::Map<_, _>>()})
}
