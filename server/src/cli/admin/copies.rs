//! Backups, restores, and what follows a restore.

use std::path::Path;

use rand::rngs::StdRng;

use super::Office;
use crate::{
    admin::{
        Actor, AdminError, backup,
        restore::{self, Checklist},
    },
    cli::output::{Output, table, time},
    clock::{Clock, SystemClock},
    config::Config,
};

pub(super) fn backup(config: &Config, to: &Path) -> Result<Output, AdminError> {
    let taken = backup::take(&config.database, to, SystemClock.now())?;
    Ok(Output::new(format!("Copied {} bytes to {}; the copy is sound.", taken.size, taken.file.display()), &taken))
}

pub(super) fn restore(from: &Path, to: &Path, mut rng: StdRng, who: &str) -> Result<Output, AdminError> {
    let mut actor = Actor { now: SystemClock.now(), rng: &mut rng, who };
    let restored = restore::restore(from, to, &mut actor)?;
    let text = format!(
        "Restored the backup of {} as {}, in epoch {}.\nNext: start the relay on it. Devices sync anew and offer their own work again. Nothing is \
         sent until you have checked devices and revocations: `admin resume-dispatch --database {}`.",
        time(restored.backup_at),
        restored.database.display(),
        restored.epoch,
        restored.database.display()
    );
    Ok(Output::new(text, &restored))
}

pub(super) fn resume_dispatch(mut office: Office, confirmed: bool) -> Result<Output, AdminError> {
    let checklist = office.store.read_blocking(restore::checklist)?;
    if !checklist.recovering {
        return Err(AdminError::NothingToDo("dispatch doesn't wait for anything".into()));
    }
    if !confirmed {
        return Ok(Output::new(described(&checklist), &checklist));
    }
    office.store.write_blocking(move |tx| {
        let actor = Actor { now: office.now, rng: &mut office.rng, who: &office.who };
        restore::resume(tx, &actor)
    })?;
    let text = format!(
        "Dispatch resumes. The provider is asked about {} messages before any of them is sent.",
        checklist.uncertain
    );
    Ok(Output::new(text, &checklist))
}

fn described(checklist: &Checklist) -> String {
    let since = checklist.backup_at.map_or_else(|| "the backup".to_owned(), time);
    let mut text = format!(
        "The relay was restored. What was done after {since} is missing here. Before messages leave again:\n\n\
         1. Revoke again what was revoked since (`admin device revoke`). Devices that can sign in now:\n\n"
    );
    let rows = checklist
        .devices
        .iter()
        .flat_map(|(_, devices)| devices)
        .map(|device| {
            [
                device.member_name.clone(),
                device.name.clone(),
                time(device.enrolled),
                time(device.last_seen),
                device.id.to_string(),
            ]
        })
        .collect();
    text.push_str(&table(["MEMBER", "DEVICE", "ENROLLED", "LAST SEEN", "ID"], rows));
    text.push_str(&format!(
        "\n\n2. Deactivate again who was deactivated since, and set roles again that were changed (`admin member`, `admin role`).\n\
         3. Devices that were enrolled since are refused: make codes for them (`admin code create`).\n\
         4. {} messages may have been sent since: the provider is asked about each before it leaves. {} replies are held for their authors.\n\n\
         Then: offdesk-relay admin resume-dispatch --confirmed",
        checklist.uncertain, checklist.held
    ));
    text
}
