//! What people say to each other: a workspace's conversations, made from a seed. The same number of conversations is the
//! same workload on every machine.
//!
//! Conversations have 1 to 200 messages with a long tail, 20 on average; texts have 20 to 160 characters
//! ([`crate::words`]). Customers begin; colleagues answer and so become assigned (R17); some conversations are tagged, most
//! older ones closed, most read. Six months lie between the first message and the last.

use offdesk_core::time::Timestamp;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::words::{self, Words};

/// Raised when the same seed no longer gives the same workload: what was generated before is then made anew.
pub const VERSION: u32 = 4;
/// The members besides the administrator; the first one's devices are measured.
pub const MEMBERS: &[&str] = &["Ana Lopez", "Ben Okafor", "Cleo Martin", "Dana Weiss", "Eli Novak"];
/// Tags, the frequent ones first.
pub const TAGS: &[&str] =
    &["estimate", "vip", "delivery", "complaint", "spring-sale", "callback", "wholesale", "warranty"];
/// When the last message was written.
pub const END: Timestamp = Timestamp(1_793_500_000_000);
const HOUR: i64 = 3_600_000;
const SPAN: i64 = 180 * 24 * HOUR;

/// Who says a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The customer.
    Customer,
    /// A member, to the customer.
    Member(usize),
    /// A member, to colleagues only.
    Note(usize),
}

/// One message.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Speaker,
    /// What.
    pub text: String,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    /// The customer's phone.
    pub phone: String,
    /// Their name.
    pub name: String,
    /// Their e-mail, if known.
    pub email: Option<String>,
    /// What was said; a customer's line first.
    pub lines: Vec<Line>,
    /// Its tag, if it has one.
    pub tag: Option<&'static str>,
    /// Who closed it, if it is closed.
    pub closed_by: Option<usize>,
    /// Whether the measured member read it.
    pub read: bool,
}

/// The conversations of a workspace, the one that began first first.
pub fn talks(conversations: usize) -> Vec<Talk> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x0ff_de5c);
    let words = Words::new(&mut rng);
    let mut begins: Vec<i64> = (0..conversations).map(|_| END.millis() - rng.random_range(0..SPAN)).collect();
    begins.sort_unstable();
    begins.into_iter().enumerate().map(|(number, begin)| talk(&mut rng, &words, number, begin)).collect()
}

/// Texts beyond those of the talks, for what is said while something is measured.
pub fn texts(seed: u64, count: usize) -> Vec<String> {
    let words = Words::new(&mut ChaCha8Rng::seed_from_u64(0x0ff_de5c));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| words.text(&mut rng)).collect()
}

fn talk(rng: &mut ChaCha8Rng, words: &Words, number: usize, begin: i64) -> Talk {
    let handler = rng.random_range(0..MEMBERS.len());
    let mut at = begin;
    let mut lines = Vec::new();
    for index in 0..length(rng) {
        let by = match rng.random_range(0..100) {
            _ if index == 0 => Speaker::Customer,
            0..48 => Speaker::Customer,
            48..96 if rng.random_range(0..8) > 0 => Speaker::Member(handler),
            48..96 => Speaker::Member(rng.random_range(0..MEMBERS.len())),
            _ => Speaker::Note(handler),
        };
        lines.push(Line { at: Timestamp(at), by, text: words.text(rng) });
        // Bursts of minutes with pauses of hours or days between them.
        let pause = if rng.random_range(0..5) == 0 { 30 * HOUR } else { HOUR / 6 };
        at = (at + rng.random_range(5_000..pause)).min(END.millis());
    }
    let old = END.millis() - at > 14 * 24 * HOUR;
    let name = words::name(rng);
    Talk {
        phone: format!("+1415{:07}", 2_000_000 + number),
        email: (rng.random_range(0..3) == 0).then(|| format!("{}@example.com", name.to_lowercase().replace(' ', "."))),
        name,
        lines,
        tag: (rng.random_range(0..3) == 0)
            .then(|| TAGS[rng.random_range(0..TAGS.len()).min(rng.random_range(0..TAGS.len()))]),
        closed_by: (rng.random_range(0..100) < if old { 85 } else { 20 }).then_some(handler),
        read: rng.random_range(0..100) < if old { 95 } else { 60 },
    }
}

/// Log-normal, cut to 1 to 200: 20 on average.
fn length(rng: &mut dyn Rng) -> usize {
    // Twelve throws make a normal variable (Irwin and Hall).
    let normal: f64 = (0..12).map(|_| rng.random_range(0.0..1.0)).sum::<f64>() - 6.0;
    ((2.44 + 1.1 * normal).exp().round() as usize).clamp(1, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workload_is_as_described_and_the_same_every_time() {
        let talks = talks(4_000);
        let lengths: Vec<usize> = talks.iter().map(|talk| talk.lines.len()).collect();
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        assert!((19.0..21.0).contains(&mean), "{mean}");
        assert!(lengths.iter().all(|length| (1..=200).contains(length)));
        assert!(lengths.iter().any(|length| *length > 150) && lengths.contains(&1));
        let texts: Vec<&str> = talks.iter().flat_map(|talk| &talk.lines).map(|line| line.text.as_str()).collect();
        assert!(texts.iter().all(|text| (20..=160).contains(&text.len()) && text.is_ascii()));
        let again = super::talks(4_000);
        assert_eq!(format!("{:?}", talks[3_999]), format!("{:?}", again[3_999]));
    }
}
