//! What comes a moment before the recorder is stopped is not left to the next run.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use replayer::simulator::serve::ServerConfig;
use replayer::store::schema::DocType;
use replayer::store::view::View;

use super::{Site, end, recorder};
use crate::common::root;
use crate::common::waiting::until;

#[test]
fn a_game_whose_seed_comes_a_moment_before_the_end_is_proven_before_it() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(usize::MAX, 11, 20.0));
    let mut process = recorder(&root, &site.feed());
    // Of games that it recorded; the site's history tells the seeds of others too.
    let revealed = || {
        let view = View::now(&root).unwrap();
        let mut found = BTreeSet::new();
        for (_, batch) in view.tail().iter().filter(|(doc_type, _)| *doc_type == DocType::Game) {
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            let (ids, seeds) = (text("game_id"), text("server_seed"));
            found.extend(ids.iter().zip(seeds.iter()).filter_map(|(id, seed)| seed.and(id).map(str::to_owned)));
        }
        let played: BTreeSet<String> = site.running().truths().iter().map(|truth| truth.game_id.clone()).collect();
        found.intersection(&played).cloned().collect::<BTreeSet<String>>()
    };
    // The recorder looks every half second, this every few milliseconds: the second seed finds its game unproven.
    until("two games and their seeds", || revealed().len() >= 2);
    let revealed = revealed();
    end(&mut process);
    let ids: Vec<String> = revealed.iter().map(|id| format!("'{id}'")).collect();
    let sql = format!(
        "SELECT count(DISTINCT game_id) FROM system_event WHERE event_type = 'game_proven' AND game_id IN ({})",
        ids.join(", ")
    );
    assert_eq!(crate::fairness::number(&root, &sql), revealed.len() as u64);
}
