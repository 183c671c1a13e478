//! Marks from outside: proposing, deciding, the log that several processes write, what shows a mark.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asking;
mod log;
mod reviews;
mod shown;

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use replayer::sql::{Config, Query, SqlClient};
use replayer::store::root::DataRoot;
use replayer::verify::explore::Explorer;
use replayer::verify::mark::rules::Policy;
use replayer::verify::mark::{Actor, MarkState};
use replayer::verify::reviews::propose::{Draft, Proposed};
use replayer::verify::reviews::{ReviewError, ReviewService};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::common::{REPLAYER, record, root};
use crate::server::Wire;

/// A data root with two recordings of simulated games, and a review service on it.
struct House {
    _folder: TempDir,
    root: DataRoot,
    client: SqlClient,
    reviews: ReviewService,
}

impl House {
    fn played() -> House {
        House::with(Policy::default())
    }

    fn with(policy: Policy) -> House {
        let (folder, root) = root();
        record(&root, 2);
        record(&root, 3);
        let mut config = Config::new(root.path());
        config.worker_exe = Some(REPLAYER.into());
        let client = SqlClient::new(config);
        let reviews = ReviewService::new(Arc::new(Explorer::new(root.path())), client.clone(), policy);
        House { _folder: folder, root, client, reviews }
    }

    async fn propose(&self, draft: Draft) -> Result<Proposed, ReviewError> {
        self.reviews.propose(draft, Actor::agent(Some("test".into())), &CancellationToken::new()).await
    }

    async fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        self.client.query(Query::new(sql), CancellationToken::new()).await.unwrap().rows
    }

    fn log_lines(&self) -> usize {
        self.root.verification_log().read(&Default::default()).unwrap().lines.len()
    }
}

const CASH: &str = "field:playerUpdate#$.cash";

fn draft(subject: &str, statement: &str) -> Draft {
    Draft {
        subject: subject.into(),
        target: MarkState::Verified,
        statement: statement.into(),
        meaning: None,
        correction: None,
        evidence: Vec::new(),
        rationale: None,
        expires_days: None,
    }
}

fn replayer(root: &Path, args: &[&str]) -> Output {
    crate::common::replayer().args(args).arg("--data").arg(root).output().unwrap()
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// An address of a frame of this event.
fn frame_of(wire: &mut Wire, event: &str) -> String {
    let sql = format!(
        "SELECT concat(session_id, ':', seq) FROM ws_event WHERE event_name = '{event}' ORDER BY seq LIMIT 1"
    );
    wire.call("query_sql", serde_json::json!({"sql": sql}))["rows"][0][0].as_str().unwrap().to_owned()
}
