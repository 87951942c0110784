//! What the generator has seen: of every place and deed, how often it was done and how often refused.

use std::collections::BTreeMap;

use offdesk_tests::{
    raw::Fate,
    reference::paths::{Deed, Place, Step},
};

/// The least share of changes, in percent, that must get past steps 1 to 4 of acceptance.
const PAST: u64 = 30;

#[derive(Default)]
pub struct Coverage {
    sequences: u64,
    past: u64,
    accepted: u64,
    table: BTreeMap<(Place, Deed), (u64, u64)>,
    fates: BTreeMap<Fate, u64>,
}

impl Coverage {
    pub fn sequences(&self) -> u64 {
        self.sequences
    }

    /// Counts a change. `sound` is whether its envelope is; `early`: whether steps 1 to 4 can have decided.
    pub fn count(&mut self, steps: &[Step], sound: bool, fate: Fate, early: bool) {
        self.sequences += 1;
        *self.fates.entry(fate).or_default() += 1;
        let accepted = fate == Fate::Accepted;
        self.accepted += u64::from(accepted);
        // What isn't seen is answered before the dependencies are looked at.
        let past = sound && !early && fate != Fate::NeedsAccess;
        self.past += u64::from(past);
        for step in steps.iter().filter(|_| sound && fate != Fate::NeedsAccess) {
            let (done, refused) = self.table.entry((step.place, step.deed)).or_default();
            *(if accepted { done } else { refused }) += 1;
        }
    }

    pub fn report(&self) {
        println!(
            "{} changes: {} accepted, {} past steps 1 to 4 ({} %), no bypass",
            self.sequences,
            self.accepted,
            self.past,
            self.past * 100 / self.sequences
        );
        println!("{:?}", self.fates);
        for ((place, deed), (done, refused)) in &self.table {
            println!("{:<24} {done:>6} done {refused:>6} refused", format!("{place:?} {deed:?}"));
        }
    }

    /// Every place and deed was refused, and done if the schema allows it, by a change that got so far.
    pub fn is_complete(&self) {
        assert!(self.past * 100 >= self.sequences * PAST, "{} of {} got past step 4", self.past, self.sequences);
        for place in Place::ALL {
            for deed in [Deed::Add, Deed::Change, Deed::Remove] {
                let (done, refused) = self.table.get(&(place, deed)).copied().unwrap_or_default();
                // Nothing stands there that could be changed.
                let nothing = place == Place::Unused && deed != Deed::Add;
                assert!(nothing || refused > 0, "{place:?} {deed:?} was never refused");
                assert_eq!(done > 0, place.allows(deed), "{place:?} {deed:?} was done {done} times");
            }
        }
    }
}
