//! What happens in one run, as an explicit list: who does what when, and which faults strike. A plan is drawn from a seed,
//! and can be shortened, kept and played again without it. Steps name devices, conversations and texts by small numbers
//! that are taken modulo what there is when the step comes, so that a plan stays playable when steps are left out.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{scenes, weights};

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Seeds what is not in the plan: delays, ids, jitter.
    pub seed: u64,
    /// The members, by access.
    pub people: Vec<Level>,
    /// The devices, each with whose it is.
    pub devices: Vec<u8>,
    /// How long sending waits, in milliseconds.
    pub undo_window: u64,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A member's access in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Administers, and sees and writes everything.
    Administrator,
    /// Sees and writes every conversation.
    Agent,
    /// Sees what is assigned to them, and the records that they own.
    Rep,
    /// Sees what is assigned to them, any record, and may only read.
    Reader,
    /// No dashboard; the records that they own.
    Records,
    /// Nothing.
    Nobody,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Milliseconds after the one before.
    pub after: u64,
    /// What.
    pub act: Act,
}

/// When a process dies, or a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// At once.
    Now,
    /// At the nth transaction from now, before its commit.
    BeforeCommit(u8),
    /// At the nth transaction from now, after its commit and before anything that follows from it.
    AfterCommit(u8),
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// A member uses a device.
    Use(u8, Doing),
    /// The device's network comes or goes.
    Online(u8, bool),
    /// The device's app goes to the background (no live stream) or comes back.
    Foreground(u8, bool),
    /// The device's app asks for one catch-up.
    SyncOnce(u8),
    /// The next request of the device is cut off after so many bytes.
    CutRequest(u8, u16),
    /// The answers of the device's next request are cut off after so many bytes.
    CutAnswer(u8, u16),
    /// The device's next request arrives twice, the second time so much later.
    Duplicate(u8, u32),
    /// The device's next request is on its way for so long.
    Delay(u8, u32),
    /// The device's app is killed, for so long.
    CrashDevice(u8, Moment, u32),
    /// The device's disk fails that many times from that transaction on.
    DiskFails(u8, u8, u8),
    /// The device's clock is set so many minutes ahead of the relay's.
    Clock(u8, i32),
    /// Somebody keeps a copy of the device's file.
    KeepCopy(u8),
    /// The kept copy is put in place of the device's file.
    PutBackCopy(u8),
    /// The device's file is copied to another phone, which runs too.
    Clone(u8),
    /// A member takes a new device into use.
    Enrol(u8),
    /// The relay is killed, for so long.
    CrashRelay(Moment, u32),
    /// The relay's disk refuses that many commits from that one on.
    RelayDiskFails(u8, u8),
    /// A backup of the relay is taken.
    Backup,
    /// The relay is lost, and the backup put in its place.
    Restore,
    /// A customer writes; the provider tries so often to tell the relay at once.
    Inbound(u8, u8),
    /// The provider's next calls: how each goes.
    Provider(ProviderMood),
    /// Members' access changes.
    SetLevel(u8, Level),
    /// A member's dashboard is overridden, or no more.
    Override(u8, Option<u8>),
    /// A member is deactivated or activated.
    Active(u8, bool),
    /// A device is revoked.
    Revoke(u8),
    /// Everything heals and quiets down; then all rules are checked.
    Quiet,
}

/// How the provider deals with the next message handed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderMood {
    /// It takes it, and its answer is lost.
    TakesSilently,
    /// It doesn't get it, and nobody can tell.
    LosesIt,
    /// It answers after this many milliseconds.
    Slow(u32),
    /// It is busy.
    Busy,
    /// It refuses it for good.
    Refuses,
    /// Its list can't be had the next time.
    ListFails,
    /// Its report is lost.
    NoReport,
}

/// What a member does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the verbs of R26, by their names; numbers pick the conversation, the member, the text")]
pub enum Doing {
    Reply(u8),
    Note(u8),
    Assign(u8, u8),
    Unassign(u8, u8),
    Close(u8),
    Reopen(u8),
    AddTag(u8, u8),
    RemoveTag(u8, u8),
    SendHeld(u8),
    DropHeld(u8),
    EditHeld(u8),
    /// Customer, and whether a text is sent.
    Start(u8, bool),
    CreateContact(u8),
    /// Contact, and which edit.
    EditContact(u8, u8),
    MarkRead(u8),
    MarkUnread(u8),
    Draft(u8, bool),
    Dismiss(u8),
    Undo(u8),
    Discard(u8),
    Retry(u8),
    /// Conversation, and for how many minutes.
    Snooze(u8, u8),
    Wake(u8),
    Priority(u8, u8),
    Queue(u8, u8),
    /// Conversation, and which member is called.
    Mention(u8, u8),
    /// Conversation, and in how many tens of seconds.
    ReplyLater(u8, u8),
    /// Contact, and whether it is blocked.
    Block(u8, bool),
    /// Contact, and what is said.
    Consent(u8, u8),
    /// Something on every conversation at once.
    Each(u8),
    /// Something that members choose for themselves, and what.
    Choose(u8, u8),
    /// A contact's record is opened, and with it a conversation that may not be here (R7).
    OpenRecord(u8),
}

impl Plan {
    /// Draws a plan.
    pub fn draw(seed: u64) -> Plan {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let profile = weights::Profile::draw(&mut rng);
        let people_count = rng.random_range(2..=5);
        let mut people = vec![Level::Administrator];
        for _ in 1..people_count {
            people.push(weights::level(&mut rng));
        }
        let device_count = rng.random_range(3..=6);
        let devices = (0..device_count)
            .map(|at| if at < people_count { at } else { rng.random_range(0..people_count) })
            .map(|person| u8::try_from(person).unwrap_or(0))
            .collect();
        let length = rng.random_range(20..=profile.longest);
        let mut steps: Vec<Step> = (0..length).map(|_| profile.step(&mut rng)).collect();
        if rng.random_range(0..3) == 0 {
            let at = rng.random_range(0..steps.len());
            steps.insert(at, Step { after: 0, act: Act::Quiet });
        }
        let undo_window = if rng.random_range(0..2) == 0 { 0 } else { 3000 };
        let mut plan = Plan { seed, people, devices, undo_window, steps };
        scenes::put_into(&mut plan);
        plan
    }
}
