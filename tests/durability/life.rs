//! The life of one data root: something is done, the power goes, what is left is looked at, and life goes on with it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use replayer_power_cut_disk::{Disk, Fate, Image, Moment, Random, Rules};
use tempfile::TempDir;

use super::campaign::Lateness;
use super::exported::{json, rows, said};
use super::list::{List, journals};
use super::works::{Outcome, Subject, Work, mark_of, old_part, write_recording};

/// One root, from empty on.
pub struct Life {
    random: Random,
    rules: Rules,
    /// Where its disk is mounted.
    mount: TempDir,
    /// What is on no disk of ours: files to import, what commands complain of.
    files: TempDir,
    image: Image,
    list: List,
    /// Whether the root was there when it was last looked at.
    is_there: bool,
    /// Files, statements and games so far.
    number: u64,
}

/// One cut.
pub struct Cut {
    /// What was going on.
    pub work: String,
    /// Frames that were durable at that moment and had to be there afterwards.
    pub frames: u64,
    /// How long the journal's oldest frame that was not synced had waited, and how late the machine was.
    pub waited: (Duration, Duration),
}

/// What a recorder promises (`RecorderOptions::sync_every` is 200 ms): what is older survives.
const PROMISE: Duration = Duration::from_millis(250);

/// By how much a machine may be late for that.
pub const MOST_LATE: Duration = Duration::from_millis(50);

impl Life {
    /// The life that this seed decides.
    pub fn begin(seed: u64) -> Life {
        let rules = if seed.is_multiple_of(2) { Rules::Journaled } else { Rules::Strict };
        Life {
            random: Random::new(seed),
            rules,
            mount: tempfile::tempdir().unwrap(),
            files: tempfile::tempdir().unwrap(),
            image: Image::new(),
            list: List::default(),
            is_there: false,
            number: seed * 1_000,
        }
    }

    /// Does something until the power goes. The disk is also looked at as it would have been at up to three moments before
    /// that: each is a cut of its own, at most `most` in all. The error says what is wrong afterwards.
    pub fn next(&mut self, most: u64, lateness: &Lateness) -> Result<Vec<Cut>, String> {
        let work = self.choose();
        let sides = self.random.below(4).min(most.saturating_sub(1));
        let mut cuts: Vec<u64> = (0..=sides).map(|_| 1 + self.random.below(work.operations())).collect();
        cuts.sort_unstable();
        let subject = self.prepare(work);
        let rules = self.rules;
        let context = |what: String| format!("{} (cuts planned at {cuts:?}, {rules:?}): {what}", work.name());
        let disk = self.mounted(&self.image).map_err(context)?;
        let outcome = work.run(&self.root(), &disk, &cuts, &subject, &self.files.path().join("stderr"));
        disk.cut();
        let moments = disk.moments().map_err(|error| error.to_string());
        let (outcome, moments) = (outcome.map_err(context)?, moments.map_err(context)?);
        let waits: Vec<_> = moments.iter().map(|moment| waited(moment, lateness)).collect();
        let mut made = Vec::new();
        for (at, (moment, waited)) in moments.iter().zip(waits).enumerate() {
            let is_last = at + 1 == moments.len();
            let mut list = self.list.clone();
            let frames = list.record(moment, &outcome.sent).map_err(context)?;
            if is_last {
                succeeded(work, &subject, &outcome, &mut list);
            }
            let fate = self.fate();
            let seed = self.random.number();
            let context = |what: String| {
                let (operation, pending) = (moment.operation(), moment.pending());
                context(format!("cut at {operation}, {pending} pending, {fate:?}: {what}"))
            };
            if is_too_long(waited) {
                return Err(context(format!("a frame waited {waited:?} for its sync")));
            }
            let left = moment.left(fate, seed);
            self.image = left.clone();
            // Now and then the next work begins where the power went, and its cut comes before anything was repaired.
            let goes_on = is_last && !list.is_pruning() && self.random.chance(1, 4);
            if goes_on {
                self.list = list;
            } else {
                let (image, list) = self.look(left, list).map_err(context)?;
                if is_last {
                    (self.image, self.list, self.is_there) = (image, list, true);
                }
            }
            made.push(Cut { work: work.name().to_owned(), frames, waited });
        }
        Ok(made)
    }

    /// Keeps the disk of a life that failed, where the environment says so.
    pub fn keep(&self, seed: u64) {
        if let Some(folder) = std::env::var_os("REPLAYER_POWER_CUT_KEEP") {
            self.image.copy_to(&PathBuf::from(folder).join(format!("seed-{seed}"))).unwrap();
        }
    }

    fn root(&self) -> PathBuf {
        self.mount.path().join("root")
    }

    fn mounted(&self, image: &Image) -> Result<Disk, String> {
        Disk::mount(image.clone(), self.rules, self.mount.path()).map_err(|error| error.to_string())
    }

    fn choose(&mut self) -> Work {
        let all = self.random.chance(1, 3);
        let works = [
            Work::Record,
            Work::Stop,
            Work::Import,
            Work::Migrate,
            Work::Record,
            Work::Import,
            Work::Stop,
            Work::Compact,
            Work::Compact,
            Work::Prune { all },
            Work::Propose,
            Work::Decide,
        ];
        // The other works want a root, and a proposal wants a frame as its evidence.
        let possible = match (self.is_there, self.list.has_frames()) {
            (false, _) => 4,
            (true, false) => works.len() - 2,
            (true, true) => works.len(),
        };
        works[self.random.place(possible)]
    }

    fn fate(&mut self) -> Fate {
        let fates = [Fate::Lost, Fate::Prefix, Fate::Torn, Fate::Torn, Fate::Shuffled, Fate::Shuffled];
        fates[self.random.place(fates.len())]
    }

    /// Makes what the work needs, and writes into the list what may come of it.
    fn prepare(&mut self, work: Work) -> Subject {
        self.number += 1;
        let mark = mark_of(self.number);
        let file = self.files.path().join(format!("{mark}_raw.jsonl"));
        match work {
            Work::Import => {
                let count = write_recording(&file, &mark, &mut self.random);
                self.list.expect_lines(&mark, count, false);
            }
            Work::Migrate => {
                let (bytes, count) = old_part(&mark, &mut self.random);
                let folder = "root/events_parquet/doc_type=ws_event/date=2025-12-20";
                self.image.put(format!("{folder}/part-{mark}.parquet"), bytes);
                self.list.expect_lines(&mark, count, true);
            }
            Work::Propose | Work::Decide => self.list.propose(&mark, false),
            Work::Prune { all } => self.list.prune(all, false),
            Work::Record | Work::Stop | Work::Compact => {}
        }
        Subject { seed: self.number, mark, file }
    }

    /// Mounts what is left and compares it with the list; gives both as they are then.
    fn look(&mut self, left: Image, mut list: List) -> Result<(Image, List), String> {
        let reads_first = self.random.chance(1, 3);
        let disk = self.mounted(&left)?;
        let looked = look_at(&self.root(), &mut list, reads_first);
        let image = disk.unmounted().map_err(|error| error.to_string())?;
        looked.map(|()| (image, list))
    }
}

/// Writes into the list what the work said to be done.
fn succeeded(work: Work, subject: &Subject, outcome: &Outcome, list: &mut List) {
    match work {
        Work::Import if outcome.done => list.imported(&subject.mark),
        Work::Prune { all } if outcome.done => list.prune(all, true),
        Work::Propose | Work::Decide if outcome.is_proposed => list.propose(&subject.mark, true),
        _ => {}
    }
    if let Some(mark_id) = &outcome.mark_id {
        list.decide(mark_id);
    }
}

fn look_at(root: &Path, list: &mut List, reads_first: bool) -> Result<(), String> {
    if reads_first && root.is_dir() {
        let rows = rows(root).map_err(|error| format!("before anything was repaired: {error}"))?;
        list.compare_unrepaired(&rows).map_err(|error| format!("before anything was repaired: {error}"))?;
    }
    // Opens the root for writing, whatever is left of it, and finishes what the cut interrupted.
    said(root, &["schema", "migrate"])?;
    said(root, &["data", "verify"])?;
    let status = json(root, &["data", "status", "--json"])?;
    if status["lost"].as_array().is_none_or(|lost| !lost.is_empty()) {
        return Err(format!("parts are lost: {}", status["lost"]));
    }
    list.compare(&rows(root)?)?;
    // The chain holds, or this fails.
    said(root, &["verify", "log", "--json"])?;
    let log = std::fs::read(root.join("manifests/verification_log.jsonl")).unwrap_or_default();
    list.compare_log(&String::from_utf8_lossy(&log))
}

/// How long the journal's oldest frame that was not synced had waited, and by how much the machine was late meanwhile.
fn waited(moment: &Moment, lateness: &Lateness) -> (Duration, Duration) {
    let longest = journals(moment).iter().filter_map(|written| written.waiting).max().unwrap_or_default();
    let from = moment.at().checked_sub(longest.max(PROMISE)).unwrap_or_else(Instant::now);
    (longest, lateness.since(from))
}

/// Whether a frame waited too long. A machine that is late by more than this is not judged: the recorder's own thread and
/// the disk's are late as well, and a promise in milliseconds cannot be kept there.
fn is_too_long((waited, late): (Duration, Duration)) -> bool {
    late <= MOST_LATE && waited > PROMISE + Duration::from_millis(250) + 4 * late
}
