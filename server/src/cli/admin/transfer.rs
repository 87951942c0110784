//! `admin export` and `admin import`.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter},
    path::Path,
};

use serde_json::json;

use super::Office;
use crate::{
    admin::{
        Actor, AdminError,
        transfer::{self, Importer, LINES_AT_ONCE, Tally},
        workspace,
    },
    cli::output::{Output, table},
};

pub(super) fn export(office: &Office, typed: Option<&str>, to: &Path) -> Result<Output, AdminError> {
    // Never over another file: it may be the only copy of something.
    let file = File::create_new(to).map_err(AdminError::Transfer)?;
    let written = office.read(typed, |tx, workspace| {
        let mut writer = BufWriter::new(file);
        let tally = transfer::export(tx, workspace, &mut writer)?;
        let file = writer.into_inner().map_err(|error| AdminError::Transfer(error.into_error()))?;
        file.sync_all().map_err(AdminError::Transfer)?;
        Ok((workspace, tally))
    });
    let (id, tally) = written.inspect_err(|_| {
        // Half an export is none.
        let _ = std::fs::remove_file(to);
    })?;
    Ok(Output::new(counted(&tally), &json!({ "workspace": id, "written": tally })))
}

pub(super) fn import(mut office: Office, typed: Option<String>, from: &Path) -> Result<Output, AdminError> {
    let mut reader = BufReader::new(File::open(from).map_err(AdminError::Transfer)?);
    let into = match typed {
        Some(typed) => Some(office.store.read_blocking(|tx| workspace::find(tx, Some(&typed)))?),
        None => None,
    };
    let mut importer = Importer::new(into);
    loop {
        let lines = some_lines(&mut reader)?;
        if lines.is_empty() {
            break;
        }
        let (who, now, mut rng) = (office.who.clone(), office.now, office.rng);
        let (state, kept) = office.store.write_blocking(move |tx| {
            importer.take(tx, &mut Actor { now, rng: &mut rng, who: &who }, &lines)?;
            Ok::<_, AdminError>((importer, rng))
        })?;
        (importer, office.rng) = (state, kept);
    }
    let (added, known) = importer.tally();
    let text = if added.is_empty() {
        format!("Nothing is new: all {known} records are here already.")
    } else {
        format!("{}\n\n{known} records were here already.", counted(added))
    };
    Ok(Output::new(text, &json!({ "workspace": importer.workspace(), "added": added, "known": known })))
}

fn some_lines(reader: &mut impl BufRead) -> Result<Vec<String>, AdminError> {
    reader.lines().take(LINES_AT_ONCE).collect::<Result<_, _>>().map_err(AdminError::Transfer)
}

fn counted(tally: &Tally) -> String {
    let rows = tally.iter().map(|(kind, count)| [(*kind).to_owned(), count.to_string()]).collect();
    table(["KIND", "RECORDS"], rows)
}
