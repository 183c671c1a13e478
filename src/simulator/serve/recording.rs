//! Stored frames as something to play: byte for byte, with their original spacing.

use engineioxide::Str;

/// A frame that was received once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// When it was received, µs since 1970 UTC; only the differences count.
    pub ts_us: i64,
    /// The whole frame, with its Engine.IO type: `42[…]`.
    pub text: String,
}

impl StoredFrame {
    /// Whether the frame can be sent again: a Socket.IO event. Handshakes and heartbeats belong to their own
    /// connection, acknowledgements to their own request.
    pub fn is_playable(&self) -> bool {
        self.text.starts_with("42")
    }
}

/// The frames of a recording and the place that is played.
#[derive(Debug)]
pub struct Recording {
    frames: Vec<(i64, Str)>,
    next: usize,
    repeat: bool,
    /// What is added to the times of the running repetition.
    shift_us: i64,
}

/// Between two repetitions.
const PAUSE_US: i64 = 1_000_000;

impl Recording {
    /// The playable ones of `frames`. A frame that is older than the one before it follows it at once.
    pub fn new(frames: Vec<StoredFrame>, repeat: bool) -> Self {
        let mut latest = i64::MIN;
        let frames = frames.into_iter().filter(StoredFrame::is_playable).map(|frame| {
            latest = latest.max(frame.ts_us);
            (latest, Str::from(frame.text))
        });
        Self { frames: frames.collect(), next: 0, repeat, shift_us: 0 }
    }

    /// Time of the first frame, µs.
    pub fn start_us(&self) -> i64 {
        self.frames.first().map_or(0, |(at_us, _)| *at_us)
    }

    /// Frames played so far, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.frames.len())
    }

    /// When the next frame is due; None at the end.
    pub fn due_us(&self) -> Option<i64> {
        self.frames.get(self.next).map(|(at_us, _)| at_us + self.shift_us)
    }

    /// The next frame that is due by `now_us`.
    pub fn next_until(&mut self, now_us: i64) -> Option<Str> {
        let (at_us, text) = self.frames.get(self.next)?;
        if at_us + self.shift_us > now_us {
            return None;
        }
        let text = text.clone();
        self.next += 1;
        if self.repeat
            && self.next == self.frames.len()
            && let (Some((first, _)), Some((last, _))) = (self.frames.first(), self.frames.last())
        {
            self.next = 0;
            self.shift_us += last - first + PAUSE_US;
        }
        Some(text)
    }
}
