//! How often what is drawn. Each run has a profile of its own, so that some are about access, some about crashes, some
//! about restores: a mixture of everything in equal parts would reach nothing deep.

use rand::{Rng, RngExt};

use crate::plan::{Act, Doing, Level, Moment, ProviderMood, Step};

/// The weights of one run.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The longest plan.
    pub longest: usize,
    uses: u32,
    inbound: u32,
    network: u32,
    crashes: u32,
    disks: u32,
    copies: u32,
    restores: u32,
    provider: u32,
    access: u32,
}

fn below(rng: &mut impl Rng, end: u32) -> u32 {
    rng.random_range(0..end)
}

fn small(rng: &mut impl Rng) -> u8 {
    rng.random_range(0..=u8::MAX)
}

/// A level for a member who is not the administrator.
pub fn level(rng: &mut impl Rng) -> Level {
    match below(rng, 12) {
        0..4 => Level::Agent,
        4..9 => Level::Rep,
        9 => Level::Reader,
        10 => Level::Records,
        _ => [Level::Nobody, Level::Administrator][below(rng, 2) as usize],
    }
}

impl Profile {
    /// Draws a profile.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let plain = Self {
            longest: 70,
            uses: 60,
            inbound: 12,
            network: 14,
            crashes: 4,
            disks: 2,
            copies: 0,
            restores: 0,
            provider: 3,
            access: 3,
        };
        match below(rng, 8) {
            0 => plain,
            1 => Self { network: 40, ..plain },
            2 => Self { crashes: 20, disks: 8, ..plain },
            3 => Self { access: 20, ..plain },
            4 => Self { copies: 8, crashes: 6, ..plain },
            5 => Self { restores: 6, ..plain },
            6 => Self { provider: 16, crashes: 12, ..plain },
            _ => Self { crashes: 6, disks: 4, copies: 3, restores: 2, provider: 5, access: 8, network: 20, ..plain },
        }
    }

    /// Draws a step.
    pub fn step(&self, rng: &mut impl Rng) -> Step {
        let after = match below(rng, 12) {
            0..4 => u64::from(below(rng, 20)),
            4..9 => u64::from(below(rng, 1500)),
            9 | 10 => u64::from(below(rng, 10_000)),
            _ => u64::from(below(rng, 200_000)),
        };
        Step { after, act: self.act(rng) }
    }

    fn act(&self, rng: &mut impl Rng) -> Act {
        let kinds = [
            self.uses,
            self.inbound,
            self.network,
            self.crashes,
            self.disks,
            self.copies,
            self.restores,
            self.provider,
            self.access,
        ];
        let mut left = below(rng, kinds.iter().sum());
        let kind = kinds
            .iter()
            .position(|weight| {
                let here = left < *weight;
                left = left.saturating_sub(*weight);
                here
            })
            .unwrap_or(0);
        let device = small(rng);
        match kind {
            0 => Act::Use(device, doing(rng)),
            1 => Act::Inbound(small(rng), u8::try_from(below(rng, 4)).unwrap_or(1)),
            2 => network(rng, device),
            3 if below(rng, 3) == 0 => Act::CrashRelay(moment(rng), below(rng, 8000)),
            3 => Act::CrashDevice(device, moment(rng), below(rng, 8000)),
            4 if below(rng, 3) == 0 => Act::RelayDiskFails(few(rng), few(rng)),
            4 => Act::DiskFails(device, few(rng), few(rng)),
            5 => [Act::KeepCopy(device), Act::PutBackCopy(device), Act::Clone(device)][below(rng, 3) as usize].clone(),
            6 => [Act::Backup, Act::Restore][below(rng, 2) as usize].clone(),
            7 => Act::Provider(mood(rng)),
            _ => access(rng, device),
        }
    }
}

fn few(rng: &mut impl Rng) -> u8 {
    u8::try_from(below(rng, 4)).unwrap_or(0)
}

fn moment(rng: &mut impl Rng) -> Moment {
    match below(rng, 5) {
        0 => Moment::Now,
        1 | 2 => Moment::BeforeCommit(few(rng)),
        _ => Moment::AfterCommit(few(rng)),
    }
}

fn network(rng: &mut impl Rng, device: u8) -> Act {
    match below(rng, 12) {
        0 | 1 => Act::Online(device, false),
        2..5 => Act::Online(device, true),
        5 => Act::CutRequest(device, u16::try_from(below(rng, 400)).unwrap_or(0)),
        6 | 7 => Act::CutAnswer(device, u16::try_from(below(rng, 2500)).unwrap_or(0)),
        8 => Act::Duplicate(device, below(rng, 5000)),
        9 => Act::Delay(device, below(rng, 20_000)),
        10 if below(rng, 3) == 0 => Act::Clock(device, rng.random_range(-7200..7200)),
        10 => Act::Foreground(device, below(rng, 3) > 0),
        _ => Act::SyncOnce(device),
    }
}

fn mood(rng: &mut impl Rng) -> ProviderMood {
    match below(rng, 8) {
        0 | 1 => ProviderMood::TakesSilently,
        2 => ProviderMood::LosesIt,
        3 => ProviderMood::Slow(below(rng, 30_000)),
        4 => ProviderMood::Busy,
        5 => ProviderMood::Refuses,
        6 => ProviderMood::ListFails,
        _ => ProviderMood::NoReport,
    }
}

fn access(rng: &mut impl Rng, who: u8) -> Act {
    match below(rng, 12) {
        0..5 => Act::SetLevel(who, level(rng)),
        5..9 => Act::Override(who, [None, Some(0), Some(1), Some(2)][below(rng, 4) as usize]),
        9 => Act::Active(who, below(rng, 3) > 0),
        10 => Act::Revoke(who),
        _ => Act::Enrol(who),
    }
}

fn doing(rng: &mut impl Rng) -> Doing {
    let (one, other) = (small(rng), small(rng));
    match below(rng, 130) {
        0..24 => Doing::Reply(one),
        24..29 => Doing::Note(one),
        29..37 => Doing::Assign(one, other),
        37..45 => Doing::Unassign(one, other),
        45..51 => Doing::Close(one),
        51..53 => Doing::Reopen(one),
        53..57 => Doing::AddTag(one, other),
        57..59 => Doing::RemoveTag(one, other),
        59 | 60 => Doing::SendHeld(one),
        61 => Doing::DropHeld(one),
        62 | 63 => Doing::EditHeld(one),
        64..72 => Doing::Start(one, other % 4 > 0),
        72..74 => Doing::CreateContact(one),
        74..78 => Doing::EditContact(one, other),
        78..83 => Doing::MarkRead(one),
        83 | 84 => Doing::MarkUnread(one),
        85..88 => Doing::Draft(one, other % 4 > 0),
        88 => Doing::Dismiss(one),
        89..93 => Doing::Undo(one),
        93 | 94 => Doing::Discard(one),
        95..97 => Doing::Retry(one),
        100..103 => Doing::Snooze(one, other),
        103 => Doing::Wake(one),
        104 | 105 => Doing::Priority(one, other),
        106..109 => Doing::Queue(one, other),
        109..112 => Doing::Mention(one, other),
        112..117 => Doing::ReplyLater(one, other),
        117..119 => Doing::Block(one, other % 3 > 0),
        119..122 => Doing::Consent(one, other),
        122..124 => Doing::Each(other),
        124..130 => Doing::Choose(one, other),
        _ => Doing::OpenRecord(one),
    }
}
