//! What earlier lines of a file said that later ones need: dates for times of day, sockets by their number, clocks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::hosts::Hosts;
use super::mapping::Mapping;
use super::time::Moment;

const DAY_US: i64 = 86_400_000_000;

/// The state of one file that is being read.
#[derive(Debug, Default)]
pub struct FileState {
    /// Whose sockets are taken.
    pub hosts: Hosts,
    /// How the user said that lines are to be read.
    pub mapping: Option<Mapping>,
    /// Midnights that passed since the first line.
    days: Cell<i64>,
    last_of_day: Cell<Option<i64>>,
    midnight: Cell<Option<i64>>,
    sockets: RefCell<HashMap<String, bool>>,
    clock: Cell<Option<f64>>,
}

impl FileState {
    /// A file of which nothing was read.
    pub fn new(hosts: &Hosts, mapping: Option<&Mapping>) -> FileState {
        FileState { hosts: hosts.clone(), mapping: mapping.cloned(), ..FileState::default() }
    }

    /// The same file of which nothing was read, for a first look at it.
    pub fn fresh(&self) -> FileState {
        let state = FileState::new(&self.hosts, self.mapping.as_ref());
        state.midnight.set(self.midnight.get());
        state
    }

    /// Says when the first day of the file began, by the clock that its times of day were read from: microseconds UTC.
    pub fn set_midnight(&self, us: Option<i64>) {
        self.midnight.set(us);
    }

    /// The moment of a time of day, microseconds since midnight; `None` where no day is known. A step back of more than
    /// twelve hours is the next day.
    pub fn of_day(&self, us: i64) -> Option<Moment> {
        if self.last_of_day.replace(Some(us)).is_some_and(|last| last - us > DAY_US / 2) {
            self.days.set(self.days.get() + 1);
        }
        self.midnight.get().map(|midnight| Moment::certain(midnight + self.days.get() * DAY_US + us))
    }

    /// Notes that a socket was opened, and whether it is one of the game's.
    pub fn opened(&self, socket: &str, is_ours: bool) {
        self.sockets.borrow_mut().insert(socket.to_owned(), is_ours);
    }

    /// Whether the socket is one of the game's; `None` where its opening was not recorded.
    pub fn is_ours(&self, socket: &str) -> Option<bool> {
        self.sockets.borrow().get(socket).copied()
    }

    /// Notes that the browser's monotonic clock showed `monotonic` seconds at `wall` seconds since 1970.
    pub fn saw_clock(&self, monotonic: f64, wall: f64) {
        self.clock.set(Some(wall - monotonic));
    }

    /// The moment at which the browser's monotonic clock showed this; `None` where nothing ties it to a date.
    pub fn by_clock(&self, monotonic: f64) -> Option<Moment> {
        let wall = self.clock.get()? + monotonic;
        Some(Moment::certain((wall * 1e6).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_of_day_before_the_last_one_is_of_the_next_day() {
        let state = FileState::default();
        assert!(state.of_day(DAY_US - 1).is_none());
        state.set_midnight(Some(0));
        assert_eq!(state.of_day(DAY_US - 1).unwrap().us, DAY_US - 1);
        assert_eq!(state.of_day(5).unwrap().us, DAY_US + 5);
        assert_eq!(state.of_day(6).unwrap().us, DAY_US + 6);
    }

    #[test]
    fn the_browsers_clock_is_tied_to_a_date_by_one_reading_of_both() {
        let state = FileState::default();
        assert!(state.by_clock(10.0).is_none());
        state.saw_clock(10.0, 1_768_485_600.0);
        assert_eq!(state.by_clock(10.5).unwrap().us, 1_768_485_600_500_000);
    }
}
