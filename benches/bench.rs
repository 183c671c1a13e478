//! The figures the project promises, measured. Run by hand: `cargo bench -- [NAME…]`; not a test.
//!
//! Every line is a median with its spread (fastest … slowest), so that the machine's noise can be seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod capturing;
mod exploring;
mod growing;
mod indexing;
mod proving;
mod recording;
mod replaying;
mod searching;
mod serving;
mod storing;

#[expect(unsafe_code, reason = "the environment can only be changed unsafely, and only here is it safe")]
fn main() {
    // SAFETY: nothing has started a thread yet.
    unsafe { replayer::index::embed::telemetry::disable() };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let all: [(&str, fn()); 22] = [
        ("journal", storing::journal),
        ("seal", storing::seal),
        ("ratio", storing::ratio),
        ("compaction", storing::compaction),
        ("first-answer", serving::first_answer),
        ("sql", serving::sql_through_mcp),
        ("growth", serving::growth),
        ("games", growing::growing),
        ("year", growing::year),
        ("facts", searching::facts),
        ("embedder", searching::embedder),
        ("index-day", indexing::day),
        ("index-scale", indexing::scale),
        ("proof", proving::proving),
        ("capture", capturing::throughput),
        ("explore", exploring::explore),
        ("delay", recording::delay),
        ("both-sources", recording::both_sources),
        ("recorder-memory", recording::memory),
        ("replay-step", replaying::stepping),
        ("replay-mcp", replaying::mcp_step),
        ("replay-seek", replaying::seek),
    ];
    for (name, run) in all {
        // A year takes the better part of an hour: only when it is asked for.
        if (wanted.is_empty() && name != "year") || wanted.iter().any(|wanted| wanted == name) {
            println!("== {name}");
            run();
        }
    }
}

/// Sorts the measurements and tells median, fastest and slowest.
fn summary(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
