//! What a socket of unknown owner said, kept until its traffic shows whose it is.

use std::collections::VecDeque;

use super::Out;
use crate::capture::browser::sniff::Sniff;

/// Frames kept of one socket.
const FRAMES: usize = 512;
/// Bytes kept of one socket: eight snapshots.
const BYTES: usize = 4 << 20;

/// A socket whose URL was never told.
#[derive(Debug)]
pub struct Unknown {
    /// What its traffic says.
    pub sniff: Sniff,
    keeps: bool,
    kept: VecDeque<Out>,
    bytes: usize,
    lost: u64,
}

impl Unknown {
    /// `keeps`: its frames are kept; else they are counted as lost.
    pub fn new(at_home: bool, keeps: bool) -> Unknown {
        Unknown { sniff: Sniff::new(at_home), keeps, kept: VecDeque::new(), bytes: 0, lost: 0 }
    }

    /// Keeps one more; the oldest go when there are too many.
    pub fn keep(&mut self, out: Out) {
        self.bytes += weight(&out);
        self.kept.push_back(out);
        while !self.keeps || self.kept.len() > FRAMES || self.bytes > BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= weight(&oldest);
            self.lost += 1;
        }
    }

    /// Everything kept, and how many were not.
    pub fn take(&mut self) -> (VecDeque<Out>, u64) {
        self.bytes = 0;
        (std::mem::take(&mut self.kept), self.lost)
    }
}

fn weight(out: &Out) -> usize {
    match out {
        Out::Frame(frame) => frame.text.len(),
        Out::System(..) => 64,
        Out::AsBytes { message, .. } => message.bytes.len(),
    }
}
