//! Who is where right now (R27), in memory only: no table, no log and no backup has a byte of it.
//!
//! A device says what its member does, if they may see the conversation; the live streams of those who see it are told. What
//! was said holds for [`LASTS`] unless it is said again, and ends with the device's last stream. The board is bounded: a
//! device is in a few conversations at once, and says so now and then.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use offdesk_core::{
    ids::{DeviceId, DocumentId, MemberId, WorkspaceId},
    protocol::Presence,
    sync::presence::LASTS,
    time::Timestamp,
};
use tokio::sync::broadcast;

/// Conversations that one device is in at most: a window each on a desktop.
pub(super) const MOST_PLACES: usize = 8;
/// Devices that are anywhere at most; further ones are not shown.
const MOST_DEVICES: usize = 100_000;
/// A device that says something more often is not listened to.
const SOONEST: Duration = Duration::from_millis(250);
/// Notices that a slow stream may leave waiting; what it misses is said again soon.
const NOTICES: usize = 256;

/// Somebody came, went, or does something else in this conversation.
pub(super) type Notice = (WorkspaceId, DocumentId);

/// Where one device is.
#[derive(Debug)]
struct Place {
    workspace: WorkspaceId,
    member: MemberId,
    states: BTreeMap<DocumentId, Presence>,
    at: Timestamp,
}

/// Where everybody is, by device and by conversation: who is told looks at one conversation, not at all devices.
#[derive(Debug, Default)]
struct Board {
    places: HashMap<DeviceId, Place>,
    /// Which devices say to be in a conversation; never empty.
    within: HashMap<DocumentId, BTreeSet<DeviceId>>,
}

impl Board {
    fn put(&mut self, device: DeviceId, place: Place) {
        for document in place.states.keys() {
            self.within.entry(*document).or_default().insert(device);
        }
        self.places.insert(device, place);
    }

    fn remove(&mut self, device: DeviceId) -> Option<Place> {
        let place = self.places.remove(&device)?;
        for document in place.states.keys() {
            if let Some(devices) = self.within.get_mut(document) {
                devices.remove(&device);
                if devices.is_empty() {
                    self.within.remove(document);
                }
            }
        }
        Some(place)
    }

    /// Makes room: takes off those whose time is over.
    fn sweep(&mut self, now: Timestamp) {
        let over: Vec<DeviceId> =
            self.places.iter().filter(|(_, place)| !stands(place, now)).map(|(device, _)| *device).collect();
        for device in over {
            self.remove(device);
        }
    }
}

/// Who is where; cheap to clone.
#[derive(Clone, Debug)]
pub struct Presences {
    // A std Mutex: it is held for a look or a change, never across an await.
    board: Arc<Mutex<Board>>,
    notices: broadcast::Sender<Notice>,
}

impl Default for Presences {
    fn default() -> Self {
        Self { board: Arc::default(), notices: broadcast::Sender::new(NOTICES) }
    }
}

impl Presences {
    /// A device says where its member is, in place of what it said before. Access was looked at.
    pub(super) fn say(
        &self,
        now: Timestamp,
        (workspace, member, device): (WorkspaceId, MemberId, DeviceId),
        states: BTreeMap<DocumentId, Presence>,
    ) {
        let mut board = self.board();
        let before = board.places.get(&device);
        if before.is_some_and(|place| now >= place.at && now.since(place.at) < SOONEST) {
            return;
        }
        if before.is_none() && board.places.len() >= MOST_DEVICES {
            board.sweep(now);
            if board.places.len() >= MOST_DEVICES {
                return;
            }
        }
        let mut touched: BTreeSet<DocumentId> = states.keys().copied().collect();
        touched.extend(board.remove(device).into_iter().flat_map(|place| place.states.into_keys()));
        if !states.is_empty() {
            board.put(device, Place { workspace, member, states, at: now });
        }
        drop(board);
        self.tell(workspace, touched);
    }

    /// A device's last stream ended.
    pub(super) fn leave(&self, device: DeviceId) {
        let left = self.board().remove(device);
        if let Some(place) = left {
            self.tell(place.workspace, place.states.into_keys());
        }
    }

    /// Who is in a conversation, but for one member's own devices. Somebody with several devices does the most of what they
    /// do on any.
    pub(super) fn others(&self, now: Timestamp, document: DocumentId, than: MemberId) -> Vec<(MemberId, Presence)> {
        let board = self.board();
        let mut members: BTreeMap<MemberId, Presence> = BTreeMap::new();
        let here = board.within.get(&document).into_iter().flatten().filter_map(|device| board.places.get(device));
        for place in here.filter(|place| place.member != than && stands(place, now)) {
            if let Some(presence) = place.states.get(&document) {
                let known = members.entry(place.member).or_insert(*presence);
                *known = (*known).max(*presence);
            }
        }
        members.into_iter().collect()
    }

    /// Conversations of a workspace in which somebody is, for a stream that has just become live.
    pub(super) fn of(&self, workspace: WorkspaceId) -> BTreeSet<DocumentId> {
        let board = self.board();
        let here = board.places.values().filter(|place| place.workspace == workspace);
        here.flat_map(|place| place.states.keys().copied()).take(NOTICES).collect()
    }

    /// What changes from now on.
    pub(super) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, workspace: WorkspaceId, documents: impl IntoIterator<Item = DocumentId>) {
        for document in documents {
            // Nobody may be listening.
            let _ = self.notices.send((workspace, document));
        }
    }
}

fn stands(place: &Place, now: Timestamp) -> bool {
    now.since(place.at) < LASTS
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OFFICE: WorkspaceId = WorkspaceId([1; 16]);
    const ANA: MemberId = MemberId([2; 16]);
    const BO: MemberId = MemberId([3; 16]);
    const HERE: DocumentId = DocumentId([4; 16]);

    fn states(presence: Presence) -> BTreeMap<DocumentId, Presence> {
        [(HERE, presence)].into()
    }

    /// R27: it ends by itself, with the device, and is never one's own; of two devices the busier counts.
    #[test]
    fn who_is_where_ends() {
        let presences = Presences::default();
        let (phone, laptop) = ((OFFICE, ANA, DeviceId([1; 16])), (OFFICE, ANA, DeviceId([2; 16])));
        presences.say(Timestamp(0), phone, states(Presence::Viewing));
        presences.say(Timestamp(10), laptop, states(Presence::Drafting));
        let seen = |at, by| presences.others(Timestamp(at), HERE, by);
        assert_eq!(seen(20, BO), [(ANA, Presence::Drafting)]);
        assert!(seen(20, ANA).is_empty());
        presences.leave(laptop.2);
        assert_eq!(seen(20, BO), [(ANA, Presence::Viewing)]);
        assert_eq!(seen(29_999, BO).len(), 1);
        assert!(seen(30_000, BO).is_empty());
        presences.say(Timestamp(40_000), phone, states(Presence::Viewing));
        presences.say(Timestamp(41_000), phone, BTreeMap::new());
        assert!(seen(41_000, BO).is_empty() && presences.of(OFFICE).is_empty());
    }

    #[test]
    fn a_device_that_never_stops_talking_is_not_listened_to() {
        let presences = Presences::default();
        let mut notices = presences.notices();
        for at in 0..1000 {
            let presence = if at % 2 == 0 { Presence::Viewing } else { Presence::Drafting };
            presences.say(Timestamp(at), (OFFICE, ANA, DeviceId([1; 16])), states(presence));
        }
        let heard = std::iter::from_fn(|| notices.try_recv().ok()).count();
        assert_eq!(heard, 4);
    }
}
