//! What chance alone hardly ever brings about: short scenes of a few steps that belong together, put whole into one plan in
//! four. They are drawn apart from everything else, so that the other plans are what they are without them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::plan::{Act, Doing, Plan, Step};

/// Puts a scene into some plans.
pub fn put_into(plan: &mut Plan) {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed ^ 0x5ce7_e500);
    if rng.random_range(0..4) > 0 {
        return;
    }
    let (one, other) = (rng.random_range(0..plan.devices.len()), rng.random_range(0..plan.devices.len()));
    let number = |at: usize| u8::try_from(at).unwrap_or(0);
    let scene = match twins(&plan.devices) {
        Some((one, other)) if rng.random_range(0..2) == 0 => read_on_two(number(one), number(other)),
        _ => overtaken(number(one), number(other), rng.random_range(2000..15_000)),
    };
    let at = rng.random_range(0..=plan.steps.len());
    plan.steps.splice(at..at, scene.into_iter().map(|(after, act)| Step { after, act }));
}

/// Two devices of one member.
fn twins(devices: &[u8]) -> Option<(usize, usize)> {
    (0..devices.len())
        .flat_map(|one| (0..one).map(move |other| (other, one)))
        .find(|(one, other)| devices[*one] == devices[*other])
}

/// A push is on its way for long; its device loses the network, its owner thinks again, and what they say then is there
/// first.
fn overtaken(device: u8, conversation: u8, long: u32) -> Vec<(u64, Act)> {
    vec![
        (0, Act::Online(device, true)),
        (4000, Act::Delay(device, long)),
        (0, Act::Use(device, Doing::MarkUnread(conversation))),
        (200, Act::Online(device, false)),
        (100, Act::Use(device, Doing::MarkRead(conversation))),
        (100, Act::Online(device, true)),
        (u64::from(long), Act::SyncOnce(device)),
    ]
}

/// A member reads on one device, then, up to an earlier message, on another one that has no network.
fn read_on_two(one: u8, other: u8) -> Vec<(u64, Act)> {
    let mut scene = vec![(0, Act::Online(one, true)), (4000, Act::Online(other, false))];
    scene.extend((0..3).map(|customer| (100, Act::Inbound(customer, 1))));
    scene.push((3000, Act::SyncOnce(one)));
    for device in [one, other] {
        scene.extend((0..4).map(|conversation| (50, Act::Use(device, Doing::MarkRead(conversation)))));
        scene.push((2000, Act::Online(device, true)));
    }
    scene
}
