//! What tests of several modules need.

use replayer_simulator::SimulatedFrame;

use crate::record::{Direction, Record, Source};

/// A simulated frame as a record. The simulator was built with the store, but not with the copy of it that is under
/// test: its directions are another type.
pub(crate) fn record(source: Source, frame: &SimulatedFrame) -> Record<'_> {
    let sent = frame.direction.as_str() == Direction::Sent.as_str();
    let direction = if sent { Direction::Sent } else { Direction::Received };
    Record::frame(frame.at_us, source, direction, &frame.text)
}
