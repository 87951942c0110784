//! Reading a request's frames, bounded.

use offdesk_core::{
    ids::{ContactId, DocumentId},
    protocol::{Backfill, CodecError, Decoder, Hello, OLDEST_VERSION, Presence, PushedIntent, RegisterWrite, Request},
};

use super::presence::MOST_PLACES;

/// The largest number that the database holds.
const MAX_NUMBER: u64 = i64::MAX as u64;
/// The most frames' bytes that one request may inflate to.
const INFLATED: usize = 64 * 1024 * 1024;
/// The most intents of one push; a device sends the rest with the next.
const MAX_INTENTS: usize = 4096;
/// The most register writes of one push.
const MAX_REGISTERS: usize = 4096;
/// The most documents fetched by one request.
const MAX_FETCH: usize = 256;
/// The most records asked for by one request: each brings dozens of documents.
const MAX_RECORDS: usize = 16;

/// A request that can't be answered.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not a stream of frames.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Frames out of place or too many.
    #[error("{0}")]
    Order(&'static str),
    /// A version that is not spoken here.
    #[error("protocol version {0} is not spoken here: update the app")]
    Version(u16),
}

/// A request.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    /// Who asks for what, and where they are.
    pub hello: Hello,
    /// The push, if there is one.
    pub push: Option<PushBody>,
    /// Documents asked for by name.
    pub fetch: Vec<DocumentId>,
    /// Contacts of which the conversations are asked for (R7).
    pub records: Vec<ContactId>,
    /// Where the member is right now (R27), if the device says so.
    pub presence: Option<Vec<(DocumentId, Presence)>>,
}

impl SyncRequest {
    /// Whether something is asked for by name.
    pub fn fetches(&self) -> bool {
        !(self.fetch.is_empty() && self.records.is_empty())
    }
}

/// What is pushed.
#[derive(Clone, Debug)]
pub struct PushBody {
    /// Its number.
    pub number: u64,
    /// Its groups.
    pub groups: Vec<Vec<PushedIntent>>,
    /// Its register writes.
    pub registers: Vec<RegisterWrite>,
}

/// Reads a request's body.
///
/// # Errors
/// [`RequestError`] if it is no request.
pub fn read(body: &[u8]) -> Result<SyncRequest, RequestError> {
    let mut decoder = Decoder::new(INFLATED)?;
    decoder.feed(body);
    let hello = match decoder.read::<Request>()? {
        Some(Request::Hello(hello)) => hello,
        _ => return Err(RequestError::Order("a request begins with a hello")),
    };
    if hello.version < OLDEST_VERSION {
        return Err(RequestError::Version(hello.version));
    }
    let place = hello.cursor.backfill.unwrap_or(Backfill { id: 0, sent: 0 });
    if [hello.cursor.seq, place.id, place.sent].into_iter().any(|number| number > MAX_NUMBER) {
        return Err(RequestError::Order("the cursor is none of this relay's"));
    }
    let mut request = SyncRequest { hello, push: None, fetch: Vec::new(), records: Vec::new(), presence: None };
    let (mut intents, mut registers) = (0, 0);
    while let Some(frame) = decoder.read::<Request>()? {
        match frame {
            Request::Hello(_) => return Err(RequestError::Order("a request holds one hello")),
            Request::Push { number } if number > MAX_NUMBER => {
                return Err(RequestError::Order("the push's number is too large"));
            }
            Request::Push { number } if request.push.is_none() => {
                request.push = Some(PushBody { number, groups: Vec::new(), registers: Vec::new() });
            }
            Request::Push { .. } => return Err(RequestError::Order("a request holds one push")),
            Request::Group { intents: group } => {
                intents += group.len();
                if intents > MAX_INTENTS {
                    return Err(RequestError::Order("a push holds at most 4096 intents"));
                }
                request.push.as_mut().ok_or(RequestError::Order("a group belongs to a push"))?.groups.push(group);
            }
            Request::Registers { writes } => {
                registers += writes.len();
                if registers > MAX_REGISTERS {
                    return Err(RequestError::Order("a push holds at most 4096 register writes"));
                }
                request
                    .push
                    .as_mut()
                    .ok_or(RequestError::Order("registers belong to a push"))?
                    .registers
                    .extend(writes);
            }
            Request::Fetch { documents, records } => {
                request.fetch.extend(documents);
                request.records.extend(records);
                if request.records.len() > MAX_RECORDS {
                    return Err(RequestError::Order("a request asks for at most 16 records"));
                }
                if request.fetch.len() > MAX_FETCH {
                    return Err(RequestError::Order("a request fetches at most 256 documents"));
                }
            }
            Request::Presence { states } if states.len() > MOST_PLACES => {
                return Err(RequestError::Order("a device is in at most 8 conversations at once"));
            }
            Request::Presence { states } => request.presence = Some(states),
            Request::Unknown => {}
        }
    }
    decoder.finish()?;
    Ok(request)
}
