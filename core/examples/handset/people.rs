//! Commands about contacts.

use offdesk_core::{
    engine::Offdesk,
    ids::MemberId,
    intents::{ContactEdit, NewContact},
    model::Consent,
};
use serde_json::json;

use crate::{
    cli::people::{ConsentArg, Edit, People},
    device::Failure,
    names, output,
    run::Run,
};

impl Run {
    pub(crate) async fn people(&self, device: &Offdesk, command: People) -> Result<(), Failure> {
        let intent = match command {
            People::List { text, limit } => {
                let contacts = device.contacts(&text.join(" "), limit, None)?;
                return self
                    .out
                    .say(&json!({ "contacts": contacts }), || contacts.iter().map(output::contact).collect());
            }
            People::Record { contact } => return self.record(device, &contact).await,
            People::Add { name, phone, email } => {
                let new = NewContact { name, phones: phone, email, owner: None };
                device.create_contact(new)?.1
            }
            People::Edit(edit) => {
                let contact = names::contact(device, &edit.contact)?;
                device.edit_contact(contact, edit_of(device, edit)?)?
            }
            People::Block { contact } => device.block_contact(names::contact(device, &contact)?, true)?,
            People::Unblock { contact } => device.block_contact(names::contact(device, &contact)?, false)?,
            People::Consent { contact, phone, consent } => {
                let consent = match consent {
                    ConsentArg::Granted => Some(Consent::Granted),
                    ConsentArg::Revoked => Some(Consent::Revoked),
                    ConsentArg::Unknown => None,
                };
                device.set_consent(names::contact(device, &contact)?, &phone, consent)?
            }
        };
        self.saved(device, None, Some(intent)).await
    }

    /// Asks the relay for what is not here, if it can be asked.
    async fn record(&self, device: &Offdesk, typed: &str) -> Result<(), Failure> {
        let contact = names::contact(device, typed)?;
        device.open_record(contact)?;
        let synced = self.settle(device).await;
        let record = device.record(contact)?;
        self.out.say(&json!(record), || {
            let phones: Vec<&str> = record.contact.phones.iter().map(String::as_str).collect();
            let mut lines = vec![format!("{}  {}", record.contact.display_name(), phones.join(", "))];
            lines.extend(record.conversations.iter().map(|row| {
                let by = if row.visibility.dashboard() { "" } else { "  (record only)" };
                format!("  {}{by}", output::row(row, self.now))
            }));
            if !record.complete {
                lines.push(format!("  there may be more: {}", synced.err().unwrap_or_default()));
            }
            lines
        })
    }
}

fn edit_of(device: &Offdesk, edit: Edit) -> Result<ContactEdit, Failure> {
    let members = |typed: &[String]| -> Result<Vec<MemberId>, Failure> {
        typed.iter().map(|typed| names::member(device, Some(typed))).collect()
    };
    let custom = edit.set.iter().map(|set| {
        let (name, value) = set.split_once('=').unwrap_or((set, ""));
        (name.to_owned(), value.to_owned())
    });
    Ok(ContactEdit {
        custom: custom.collect(),
        owner: edit.owner.as_deref().map(|owner| names::member(device, Some(owner))).transpose()?,
        share: members(&edit.share)?,
        unshare: members(&edit.unshare)?,
        name: edit.name,
        email: edit.email,
        add_phones: edit.add_phone,
        remove_phones: edit.remove_phone,
        ..ContactEdit::default()
    })
}
