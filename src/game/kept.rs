//! [`Games`]: the records of a data root, kept in the process and brought up to date by what is new.
//!
//! Sealed and unsealed statements are kept apart: unsealed rows are replaced by those of a part when they are sealed. A part
//! that is new adds its statements; when one goes (compacted, pruned, lost), the games that it told of are put together again
//! from the parts that remain, all others stay as they are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;

use replayer_store::catalog::{Catalog, Part};
use replayer_store::contents::{Contents, ContentsMaker, GameExtent, HistoryExtent, ProofExtent, of_games};
use replayer_store::follow::{Change, drop_sealed};
use replayer_store::root::DataRoot;
use replayer_store::schema::DocType;
use replayer_store::view::View;

use super::facts::Game;
use super::older::Older;
use super::record::GameRecord;

/// The kinds of rows that tell of games.
const KINDS: [DocType; 3] = [DocType::GameTick, DocType::Game, DocType::SystemEvent];

/// The games of a data root.
pub struct Games {
    root: DataRoot,
    /// The games that each part in force tells of.
    parts: HashMap<String, Vec<Arc<str>>>,
    /// What the parts say.
    sealed: HashMap<Arc<str>, GameRecord>,
    tail: Tail,
    sessions: HashSet<Arc<str>>,
}

/// Which games have changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changed {
    /// By parts that came or went.
    pub sealed: BTreeSet<Arc<str>>,
    /// Whether unsealed rows came or went.
    pub tail: bool,
}

/// What the unsealed rows say.
#[derive(Default)]
struct Tail {
    /// The rows themselves, only the columns that tell of games: what is sealed has to be taken out again.
    rows: Vec<(DocType, RecordBatch)>,
    makers: Vec<(DocType, ContentsMaker)>,
    ids: BTreeSet<Arc<str>>,
}

impl Games {
    /// Knows nothing yet.
    pub fn new(root: &DataRoot) -> Games {
        Games {
            root: root.clone(),
            parts: HashMap::new(),
            sealed: HashMap::new(),
            tail: Tail::default(),
            sessions: HashSet::new(),
        }
    }

    /// The data root that it is of.
    pub fn root(&self) -> &DataRoot {
        &self.root
    }

    /// The games in a view.
    pub fn of(view: &View) -> Games {
        let mut games = Games::new(view.root());
        games.take_catalog(view.catalog());
        games.take_rows(view.tail());
        games
    }

    /// Takes in what changed in the store. A part that cannot be read is left out, and said in the log: whoever reads its
    /// rows finds out too, and it is then no longer in force.
    pub fn apply(&mut self, change: &Change) -> Changed {
        let mut changed = Changed::default();
        changed.tail |= self.take_rows(&change.rows);
        if !change.sealed.is_empty() {
            changed.tail |= self.drop_rows(&change.sealed);
        }
        if let Some(catalog) = &change.catalog {
            changed.sealed = self.take_catalog(catalog);
        }
        changed
    }

    /// A game, as all rows tell it.
    pub fn game(&self, game_id: &str) -> Option<Game> {
        let mut record = self.sealed.get(game_id).cloned().unwrap_or_default();
        self.tail.add_to(&mut record, game_id);
        (!record.is_empty()).then(|| record.game(&self.named(game_id)))
    }

    /// A game, as the parts tell it.
    pub fn sealed(&self, game_id: &str) -> Option<Game> {
        self.sealed.get_key_value(game_id).map(|(id, record)| record.game(id))
    }

    /// The games of which there are unsealed rows, as all rows tell them.
    pub fn in_tail(&self) -> impl Iterator<Item = Game> + '_ {
        self.tail.ids.iter().filter_map(|id| self.game(id))
    }

    /// All games, sorted by id.
    pub fn all(&self) -> impl Iterator<Item = Game> + '_ {
        let ids: BTreeSet<&Arc<str>> = self.sealed.keys().chain(&self.tail.ids).collect();
        ids.into_iter().filter_map(|id| self.game(id))
    }

    fn named(&self, game_id: &str) -> Arc<str> {
        let known = self.sealed.get_key_value(game_id).map(|(id, _)| id).or_else(|| self.tail.ids.get(game_id));
        known.cloned().unwrap_or_else(|| game_id.into())
    }

    fn take_rows(&mut self, rows: &[(DocType, RecordBatch)]) -> bool {
        let mut any = false;
        for (doc_type, batch) in rows {
            any |= self.tail.take(*doc_type, batch);
        }
        any
    }

    fn drop_rows(&mut self, sealed: &[(String, u64)]) -> bool {
        if self.tail.rows.is_empty() {
            return false;
        }
        let mut rows = std::mem::take(&mut self.tail).rows;
        if let Err(error) = drop_sealed(&mut rows, sealed) {
            tracing::warn!(%error, "sealed rows stay among the unsealed ones");
        }
        self.take_rows(&rows);
        true
    }

    fn take_catalog(&mut self, catalog: &Catalog) -> BTreeSet<Arc<str>> {
        let tells = |part: &&Part| KINDS.contains(&part.doc_type);
        let there: HashSet<&str> = catalog.parts.iter().filter(tells).map(|part| part.path.as_str()).collect();
        let gone: Vec<String> = self.parts.keys().filter(|path| !there.contains(path.as_str())).cloned().collect();
        let mut again: BTreeSet<Arc<str>> = BTreeSet::new();
        for path in gone {
            again.extend(self.parts.remove(&path).into_iter().flatten());
        }
        for id in &again {
            self.sealed.remove(id);
        }
        let mut changed = again.clone();
        let mut older = Older::new(&self.root);
        for part in catalog.parts.iter().filter(tells) {
            let known = self.parts.get(&part.path);
            let is_new = known.is_none();
            if known.is_some_and(|ids| !ids.iter().any(|id| again.contains(id))) {
                continue;
            }
            let contents = match older.contents_of(part) {
                Ok(contents) => contents,
                Err(error) => {
                    tracing::warn!(%error, part = part.path, "passing over the games of this part");
                    self.parts.remove(&part.path);
                    continue;
                }
            };
            let ids = self.take_part(&contents, |id| is_new || again.contains(id));
            if is_new {
                changed.extend(ids.iter().cloned());
                self.parts.insert(part.path.clone(), ids);
            }
        }
        older.remember(catalog);
        changed
    }

    /// Takes what a part says of the games that are wanted. Returns all games that it tells of.
    fn take_part(&mut self, contents: &Contents, wanted: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let mut ids: HashSet<Arc<str>> = HashSet::new();
        let sessions: Vec<Arc<str>> = contents.sessions.iter().map(|session| self.session(session)).collect();
        statements(contents, &contents.games, |game_id, session, statement| {
            let Some(session) = sessions.get(session as usize) else { return };
            let id = self.named(game_id);
            if wanted(game_id) {
                statement.add_to(self.sealed.entry(id.clone()).or_default(), session);
            }
            ids.insert(id);
        });
        ids.into_iter().collect()
    }

    fn session(&mut self, session: &str) -> Arc<str> {
        if let Some(known) = self.sessions.get(session) {
            return known.clone();
        }
        let session: Arc<str> = session.into();
        self.sessions.insert(session.clone());
        session
    }
}

/// One statement about a game.
#[derive(Clone, Copy)]
enum Statement<'c> {
    Ticks(&'c GameExtent),
    Entry(&'c HistoryExtent),
    Proof(&'c ProofExtent),
}

impl Statement<'_> {
    fn add_to(self, record: &mut GameRecord, session: &Arc<str>) {
        match self {
            Statement::Ticks(extent) => record.add_ticks(session, extent),
            Statement::Entry(entry) => record.add_entry(session, entry),
            Statement::Proof(proof) => record.add_proof(session, proof),
        }
    }
}

/// Hands over every statement with its game and its session's place.
fn statements<'c>(
    contents: &'c Contents,
    games: &'c [GameExtent],
    mut take: impl FnMut(&str, u32, Statement<'c>),
) {
    games.iter().for_each(|extent| take(&extent.game_id, extent.session, Statement::Ticks(extent)));
    contents.histories.iter().for_each(|entry| take(&entry.game_id, entry.session, Statement::Entry(entry)));
    contents.proofs.iter().for_each(|proof| take(&proof.game_id, proof.session, Statement::Proof(proof)));
}

impl Tail {
    /// Takes unsealed rows; whether they tell of games.
    fn take(&mut self, doc_type: DocType, batch: &RecordBatch) -> bool {
        let Some(columns) = of_games(doc_type).filter(|_| batch.num_rows() > 0) else { return false };
        let schema = batch.schema();
        let places: Vec<usize> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        let Ok(light) = batch.project(&places) else { return false };
        let place = self.makers.iter().position(|(kind, _)| *kind == doc_type).unwrap_or_else(|| {
            self.makers.push((doc_type, ContentsMaker::new(doc_type)));
            self.makers.len() - 1
        });
        if let Some((_, maker)) = self.makers.get_mut(place) {
            maker.take(&light);
            let (contents, games) = maker.so_far();
            statements(contents, games, |game_id, _, _| {
                if !self.ids.contains(game_id) {
                    self.ids.insert(game_id.into());
                }
            });
        }
        self.rows.push((doc_type, light));
        true
    }

    /// Adds what unsealed rows say of a game.
    fn add_to(&self, record: &mut GameRecord, game_id: &str) {
        if !self.ids.contains(game_id) {
            return;
        }
        for (_, maker) in &self.makers {
            let (contents, games) = maker.so_far();
            statements(contents, games, |of, session, statement| {
                if let Some(session) = contents.sessions.get(session as usize).filter(|_| of == game_id) {
                    statement.add_to(record, &session.as_str().into());
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
