//! A phone in a process of its own, to be killed: it opens its encrypted file, syncs, and does what a busy member does,
//! as fast as a test needs, until its end. Every deed is in the journal before and after the call.

use std::{path::PathBuf, time::Duration};

use offdesk_core::{
    engine::{Error, NetworkState, Offdesk},
    ids::{ConversationId, IntentId},
    triage::InboxFilter,
};
use offdesk_tests::crash::{
    journal::{Deed, Journal},
    office::device,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Customers that are written to.
const CUSTOMERS: u32 = 12;
/// Long enough for some replies to be taken back, short enough for most to leave before the kill.
const UNDO_WINDOW: Duration = Duration::from_millis(40);

struct Member {
    phone: Offdesk,
    journal: Journal,
    rng: ChaCha8Rng,
    /// Makes texts of different lives differ.
    life: String,
    count: u32,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, database, journal, seed, life] = arguments.as_slice() else { return Err(Error::NotEnrolled) };
    let phone = Offdesk::open(device(&PathBuf::from(database), UNDO_WINDOW))?;
    let seed = seed.parse().unwrap_or_default();
    let journal = Journal::open(&PathBuf::from(journal));
    let mut member = Member { phone, journal, rng: ChaCha8Rng::seed_from_u64(seed), life: life.clone(), count: 0 };
    member.phone.start();
    loop {
        match member.something() {
            // A customer started it first: it goes on under another id.
            Ok(()) | Err(Error::UnknownConversation(_)) => {}
            Err(error) => return Err(error),
        }
        let pause = member.rng.random_range(0..12);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

impl Member {
    fn something(&mut self) -> Result<(), Error> {
        let rows = self.phone.inbox(&InboxFilter::default(), 100, None)?;
        let conversation = rows.choose(&mut self.rng).map(|row| row.conversation);
        let kind = self.rng.random_range(0..100);
        match conversation {
            None => self.start(),
            Some(_) if kind < 12 => self.start(),
            Some(conversation) if kind < 60 => self.reply(conversation),
            Some(conversation) if kind < 72 => self.note(conversation),
            Some(conversation) if kind < 82 => self.mark(conversation),
            Some(conversation) if kind < 95 => self.draft(conversation),
            Some(_) => {
                // A tunnel, and out of it.
                self.phone.set_network(NetworkState::Offline);
                if let Some(conversation) = conversation {
                    self.reply(conversation)?;
                }
                self.phone.set_network(NetworkState::Online);
                Ok(())
            }
        }
    }

    fn text(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what} {} of life {}", self.count, self.life)
    }

    fn start(&mut self) -> Result<(), Error> {
        let customer = self.rng.random_range(0..CUSTOMERS);
        let text = self.text("start");
        let deed = Deed::Start(text.clone());
        self.journal.trying(&deed);
        let started =
            self.phone.start_conversation(&format!("+1415555{:04}", 2000 + customer), None, None, Some(&text))?;
        self.journal.returned(&deed, started.intent);
        Ok(())
    }

    fn reply(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let text = self.text("reply");
        let deed = Deed::Reply(text.clone());
        self.journal.trying(&deed);
        let intent = self.phone.reply(conversation, &text)?;
        self.journal.returned(&deed, Some(intent));
        if self.rng.random_ratio(1, 6) {
            self.undo(intent)?;
        }
        Ok(())
    }

    fn undo(&mut self, intent: IntentId) -> Result<(), Error> {
        let deed = Deed::Undo(intent);
        self.journal.trying(&deed);
        match self.phone.undo(intent) {
            Ok(()) => {
                self.journal.returned(&deed, None);
                Ok(())
            }
            // The machine was slow: it has left, and stays doubtful to the journal's reader.
            Err(Error::TooLate) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let text = self.text("note");
        let deed = Deed::Note(text.clone());
        self.journal.trying(&deed);
        let intent = self.phone.note(conversation, &text)?;
        self.journal.returned(&deed, Some(intent));
        Ok(())
    }

    fn mark(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let deed = Deed::Mark(self.text("mark"));
        self.journal.trying(&deed);
        let done = match self.rng.random_range(0..3) {
            0 => self.phone.add_tag(conversation, &format!("tag {}", self.count % 20)),
            1 => self.phone.close_conversation(conversation),
            _ => {
                let members = self.phone.members()?;
                match members.choose(&mut self.rng) {
                    Some(member) => self.phone.assign(conversation, member.id),
                    None => return Ok(()),
                }
            }
        };
        match done {
            Ok(intent) => self.journal.returned(&deed, Some(intent)),
            // It has that tag already, or is closed.
            Err(Error::Verb(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn draft(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let text = self.text("draft");
        let deed = Deed::Draft(conversation, text.clone());
        self.journal.trying(&deed);
        self.phone.set_draft(conversation, &text)?;
        self.journal.returned(&deed, None);
        Ok(())
    }
}
