//! What happened, as a hash that two runs of one plan must share, and as lines to read.

use std::hash::{DefaultHasher, Hasher};

use offdesk_core::time::Timestamp;

use crate::world::BEGINNING;

/// A run's trace.
pub struct Trace {
    // Its keys are fixed: the same input gives the same number in every process of one build.
    hash: DefaultHasher,
    verbose: bool,
}

impl Trace {
    /// An empty trace; a verbose one prints itself.
    pub fn new(verbose: bool) -> Self {
        Self { hash: DefaultHasher::new(), verbose }
    }

    /// Notes something. The line is made only if somebody reads it.
    pub fn note(&mut self, now: Timestamp, what: &str, numbers: &[u64], line: impl FnOnce() -> String) {
        self.hash.write_i64(now.0);
        self.hash.write(what.as_bytes());
        numbers.iter().for_each(|number| self.hash.write_u64(*number));
        if self.verbose {
            let since = now.0 - BEGINNING.0;
            println!("{:>8}.{:03}  {}", since / 1000, since % 1000, line());
        }
    }

    /// Notes bytes that went over a wire.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.write(bytes);
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }
}
