//! The app's side of sharing its database with a puller (ADR 0022): while it syncs it has the hold, renews it, and takes in
//! what was staged while it was away.

use std::sync::Arc;

use super::{
    driver::{Core, Engine},
    in_place::in_place,
};
use crate::{store::HOLD, sync::session::Event};

impl Core {
    /// Whether this engine syncs.
    fn syncs(&self) -> bool {
        self.started || !self.waiting.is_empty()
    }
}

impl Engine {
    /// Says that this process syncs, from whomever it takes that, and goes on saying so.
    pub(super) fn take_hold(self: &Arc<Self>, core: &mut Core) {
        let now = self.now();
        let holder = core.holder;
        let Some(database) = core.database.as_mut().filter(|database| !database.is_released()) else { return };
        if let Err(error) = database.write_hold(|disk| disk.take_hold(&holder, now)) {
            // Then a puller may stage what comes here too: the cursor tells which of the two counts.
            tracing::debug!(%error, "the hold can't be taken");
        }
        if core.holding.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let engine = self.clone();
        core.holding = core.spawn(async move {
            loop {
                engine.config.clock.sleep_until(engine.now().after(HOLD / 3)).await;
                let renewing = engine.clone();
                if in_place(move || renewing.renew_hold()).await != Some(true) {
                    return;
                }
            }
        });
    }

    /// Whether to go on.
    fn renew_hold(self: &Arc<Self>) -> bool {
        let mut core = self.lock();
        let now = self.now();
        let (holder, syncs) = (core.holder, core.syncs());
        let Some(database) = core.database.as_mut().filter(|database| !database.is_released()) else { return false };
        let renewed = database
            .write_hold(|disk| if syncs { disk.take_hold(&holder, now).map(|_| ()) } else { disk.drop_hold(&holder) });
        if let Err(error) = renewed {
            tracing::debug!(%error, "the hold can't be renewed");
        }
        self.catch_up(&mut core);
        syncs
    }

    /// Says that this process syncs no more.
    pub(super) fn let_go(&self, core: &mut Core) {
        let Some(holding) = core.holding.take() else { return };
        holding.abort();
        let holder = core.holder;
        let Some(database) = core.database.as_mut().filter(|database| !database.is_released()) else { return };
        if let Err(error) = database.write_hold(|disk| disk.drop_hold(&holder)) {
            tracing::debug!(%error, "the hold is left to run out");
        }
    }

    pub(super) fn let_go_if_idle(&self, core: &mut Core) {
        if !core.syncs() {
            self.let_go(core);
        }
    }

    /// Applies what a puller has staged since this was last asked, page by page.
    pub(super) fn take_staged(self: &Arc<Self>, core: &mut Core) {
        let look = |core: &Core| {
            let database = core.database.as_ref().filter(|database| !database.is_released())?;
            // A failing disk shows in what comes next, and the next look finds the pages.
            database.pulled().ok()
        };
        let Some((pulled, mut pages)) = look(core).filter(|(pulled, _)| core.looked != Some(*pulled)) else { return };
        while pages > 0 {
            if self.drive(core, vec![Event::Staged]).is_err() {
                return;
            }
            match look(core) {
                Some((_, left)) if left < pages => pages = left,
                _ => return,
            }
        }
        core.looked = Some(pulled);
    }
}
