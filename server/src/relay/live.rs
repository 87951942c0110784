//! Who has a live stream open. A phone that changes networks leaves a dead stream behind; when it opens more than it may, the
//! oldest ends.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use offdesk_core::ids::DeviceId;
use tokio_util::sync::CancellationToken;

type Open = HashMap<DeviceId, Streams>;

/// The live streams of one device.
#[derive(Debug, Default)]
struct Streams {
    /// In the order in which they were opened.
    places: VecDeque<(u64, CancellationToken)>,
    /// Whether the device pushes beside them.
    pushed: bool,
}

/// The live streams of a relay; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LiveStreams {
    // A std Mutex: it is held for a look or a change, never across an await.
    open: Arc<Mutex<(u64, Open)>>,
}

/// A stream's place; dropped with the stream.
#[derive(Debug)]
pub(super) struct Place {
    streams: LiveStreams,
    device: DeviceId,
    number: u64,
    /// Cancelled when a newer stream of the device takes this place.
    pub(super) taken: CancellationToken,
}

impl LiveStreams {
    /// Takes a place for a device; if that makes more than `most`, its oldest stream loses its own.
    pub(super) fn enter(&self, device: DeviceId, most: u32) -> Place {
        let taken = CancellationToken::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.0 += 1;
        let number = open.0;
        let streams = &mut open.1.entry(device).or_default().places;
        streams.push_back((number, taken.clone()));
        while streams.len() > most.max(1) as usize {
            if let Some((_, oldest)) = streams.pop_front() {
                oldest.cancel();
            }
        }
        Place { streams: self.clone(), device, number, taken }
    }

    /// Whether a device has one stream open, or none.
    pub(super) fn is_last(&self, device: DeviceId) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.1.get(&device).is_none_or(|streams| streams.places.len() < 2)
    }

    /// A device pushes: the next news may be its own.
    pub(super) fn pushes(&self, device: DeviceId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = open.1.get_mut(&device) {
            streams.pushed = true;
        }
    }

    /// Whether the news that has just come may be the device's own; asked once for each push.
    pub(super) fn take_pushed(&self, device: DeviceId) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.1.get_mut(&device).is_some_and(|streams| std::mem::take(&mut streams.pushed))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = open.1.get_mut(&self.device) {
            streams.places.retain(|(number, _)| *number != self.number);
            if streams.places.is_empty() {
                open.1.remove(&self.device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_ends() {
        let streams = LiveStreams::default();
        let (phone, other) = (DeviceId([1; 16]), DeviceId([2; 16]));
        let first = streams.enter(phone, 2);
        let others = streams.enter(other, 2);
        let second = streams.enter(phone, 2);
        assert!(!first.taken.is_cancelled());
        let third = streams.enter(phone, 2);
        assert!(first.taken.is_cancelled() && !second.taken.is_cancelled());
        assert!(!third.taken.is_cancelled() && !others.taken.is_cancelled());
        drop((first, second, third, others));
        assert!(streams.open.lock().unwrap_or_else(PoisonError::into_inner).1.is_empty());
    }
}
