//! Records that a member opens (R7): the conversations of a contact that are not sent by themselves are asked for, and come
//! before the frame that says so.
//!
//! Such an answer names documents that nobody asked for by name, on a request beside the stream. What the stream tells of a
//! document meanwhile is newer: that it is gone, above all (R9). So while a record is asked for, what the stream tells of
//! is noted, and the answer's word on it is passed over.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{ContactId, DocumentId},
    protocol::Response,
    sync::session::{RequestId, Session},
};

/// At most so many records are asked for in one request: each brings dozens of documents.
pub(super) const MAX_RECORDS: usize = 8;

/// The records that were opened since the session began.
#[derive(Debug, Default)]
pub(super) struct Records {
    opened: BTreeMap<ContactId, Opened>,
    /// Of what the stream told since the oldest question that is under way.
    overtaken: BTreeSet<DocumentId>,
    /// The stream told what alone stays.
    narrowed: bool,
}

/// How far one is.
#[derive(Debug, Default)]
struct Opened {
    /// To be asked for.
    wanted: bool,
    asked: Option<RequestId>,
    /// Whether the answer came, and whether there is more than came.
    here: Option<bool>,
}

impl Records {
    /// Whether one is to be asked for.
    pub(super) fn are_wanted(&self) -> bool {
        self.opened.values().any(|opened| opened.wanted)
    }

    /// The records to ask for with a request.
    pub(super) fn ask(&mut self, request: RequestId) -> Vec<ContactId> {
        let mut contacts = Vec::new();
        for (contact, opened) in self.opened.iter_mut().filter(|(_, opened)| opened.wanted).take(MAX_RECORDS) {
            (opened.wanted, opened.asked) = (false, Some(request));
            contacts.push(*contact);
        }
        contacts
    }

    /// Whether a document may come with a request although it was not asked for by name, and is no old news.
    pub(super) fn brings(&self, request: RequestId, document: DocumentId) -> bool {
        let asked = self.opened.values().any(|opened| opened.asked == Some(request));
        asked && !self.narrowed && !self.overtaken.contains(&document)
    }

    /// The stream tells of documents.
    pub(super) fn overtake(&mut self, frame: &Response) {
        if self.opened.values().all(|opened| opened.asked.is_none()) {
            return;
        }
        match frame {
            Response::Snapshot { document, .. } | Response::Delta { document, .. } => {
                self.overtaken.insert(*document);
            }
            Response::Evict { documents } => self.overtaken.extend(documents),
            Response::Retain { .. } | Response::Bucket { .. } => self.narrowed = true,
            _ => {}
        }
    }

    /// The conversations of a record have come. Whether it was asked for.
    pub(super) fn answered(&mut self, request: RequestId, contact: ContactId, more: bool) -> bool {
        let Some(opened) = self.opened.get_mut(&contact).filter(|opened| opened.asked == Some(request)) else {
            return false;
        };
        opened.asked = None;
        if self.narrowed {
            // What came was passed over, for lack of a better word: it is asked for once more.
            opened.wanted = true;
        } else {
            opened.here = Some(more);
        }
        self.settle();
        true
    }

    /// A request is over: what it asked for and did not get is asked for again if it broke.
    pub(super) fn ended(&mut self, request: RequestId, again: bool) {
        for opened in self.opened.values_mut().filter(|opened| opened.asked == Some(request)) {
            (opened.asked, opened.wanted) = (None, again);
        }
        self.settle();
    }

    /// A document left this device.
    pub(super) fn remove(&mut self, document: DocumentId) {
        self.opened.remove(&document);
        self.settle();
    }

    /// Nothing that was opened counts any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn settle(&mut self) {
        if self.opened.values().all(|opened| opened.asked.is_none()) {
            self.overtaken.clear();
            self.narrowed = false;
        }
    }
}

impl Session {
    /// Asks the relay for the conversations with a contact that are not on the member's dashboard (R7). They come with the
    /// next request.
    pub fn open_record(&mut self, contact: ContactId) {
        let opened = self.records.opened.entry(contact).or_default();
        opened.wanted = opened.asked.is_none();
    }

    /// The records whose conversations have come since the session began, each with whether there are older ones that did
    /// not come.
    pub fn opened_records(&self) -> BTreeMap<ContactId, bool> {
        self.records.opened.iter().filter_map(|(contact, opened)| Some((*contact, opened.here?))).collect()
    }
}
