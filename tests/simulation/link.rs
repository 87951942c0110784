//! The network between a device and the relay: requests and answers as the real codec's bytes, which take time, are cut
//! off at any byte, come twice, or not at all.

use offdesk_core::{
    protocol::{Decoder, Encoder, Request},
    sync::session::{End, RequestId},
    time::Timestamp,
};
use offdesk_relay::relay::request;

use crate::world::{Event, Violation, World, broken};

/// Something of an answer.
#[derive(Debug)]
pub enum Part {
    /// The relay answers with success.
    Bytes(Vec<u8>),
    /// It is over.
    Ended(End),
}

/// What is to go wrong with a device's next request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mishaps {
    pub cut_request: Option<u16>,
    pub cut_answer: Option<u16>,
    pub duplicate: Option<u32>,
    pub delay: Option<u32>,
}

/// A request under way, as the device sees it.
pub struct Flight {
    pub decoder: Decoder,
    pub opened: bool,
    /// Which one, of all of the device's.
    number: u64,
    /// Bytes that have come.
    sent: usize,
    cut_answer: Option<u16>,
    /// Nothing overtakes what was sent before it.
    arrives: Timestamp,
    chunks: u64,
    /// The network broke: nothing more comes.
    dead: bool,
}

/// The window of a request, as devices have it.
const WINDOW: u32 = 17;

impl World {
    /// A device sends a request.
    pub fn send(&mut self, at: usize, request: RequestId, frames: &[Request]) -> Result<(), Violation> {
        let Ok(body) = encode(frames) else { return broken("the codec", "a request can't be encoded") };
        self.trace.bytes(&body);
        self.phones[at].sent += 1;
        let number = self.phones[at].sent;
        self.trace.note(self.now, "send", &[at as u64, number], || {
            format!("phone {at} sends #{number} ({request:?}), {} bytes: {}", body.len(), describe(frames))
        });
        let decoder = match Decoder::new(usize::MAX) {
            Ok(decoder) => decoder,
            Err(error) => return broken("the codec", error.to_string()),
        };
        let mishaps = if self.healing { Mishaps::default() } else { std::mem::take(&mut self.phones[at].mishaps) };
        let flight = Flight {
            decoder,
            opened: false,
            number,
            sent: 0,
            cut_answer: mishaps.cut_answer,
            arrives: self.now,
            chunks: 0,
            dead: false,
        };
        self.phones[at].flights.insert(request, flight);
        let (life, credential) = (self.phones[at].life, self.phones[at].credential.clone());
        let delay = self.delay(at, number) + u64::from(mishaps.delay.unwrap_or(0));
        if !self.phones[at].online || !self.office.up {
            let why = if self.office.up { "there is no network" } else { "connection refused" };
            self.end(at, request, End::Broken(why.into()), delay);
            return Ok(());
        }
        if let Some(cut) = mishaps.cut_request.map(usize::from).filter(|cut| *cut < body.len()) {
            if request::read(&body[..cut]).is_ok() {
                return broken(
                    "the codec",
                    format!("a request that was cut at byte {cut} of {} can be read", body.len()),
                );
            }
            self.reached("request cut");
            self.end(at, request, End::Broken("the connection was cut".into()), delay);
            return Ok(());
        }
        if let Some(later) = mishaps.duplicate {
            self.reached("request twice");
            let (credential, body) = (credential.clone(), body.clone());
            self.after(
                delay + u64::from(later),
                Event::Arrive { phone: at, life, request, credential, body, echo: true },
            );
        }
        self.after(delay, Event::Arrive { phone: at, life, request, credential, body, echo: false });
        Ok(())
    }

    /// Bytes of an answer leave the relay. Whether anybody will get them.
    pub fn transmit(&mut self, at: usize, life: u32, request: RequestId, mut bytes: Vec<u8>) -> bool {
        self.trace.bytes(&bytes);
        let (number, chunks) = match self.flight(at, life, request) {
            Some(flight) => {
                flight.chunks += 1;
                (flight.number, flight.chunks)
            }
            None => return false,
        };
        let delay = self.delay(at, (number << 16) | chunks);
        let arrives = Timestamp(self.now.0 + i64::try_from(delay).unwrap_or(0));
        let Some(flight) = self.flight(at, life, request) else { return false };
        flight.arrives = Timestamp(flight.arrives.0 + 1).max(arrives);
        let arrives = flight.arrives;
        let room = flight.cut_answer.map(|cut| usize::from(cut).saturating_sub(flight.sent));
        flight.sent += bytes.len();
        let cut = room.is_some_and(|room| room < bytes.len());
        if let Some(room) = room.filter(|_| cut) {
            bytes.truncate(room);
            flight.dead = true;
        }
        if cut {
            self.reached("answer cut");
        }
        // Bytes come as the network likes, not as they were sent.
        let middle = if bytes.is_empty() { 0 } else { self.noise(2, (number << 16) | chunks, bytes.len() as u64 * 2) };
        if let Some(middle) = usize::try_from(middle).ok().filter(|middle| *middle < bytes.len() && *middle > 0) {
            let rest = bytes.split_off(middle);
            self.at(arrives, Event::Answer { phone: at, life, request, part: Part::Bytes(bytes) });
            let arrives = Timestamp(arrives.0 + 1);
            if let Some(flight) = self.flights(at, life).and_then(|flights| flights.get_mut(&request)) {
                flight.arrives = arrives;
            }
            self.at(arrives, Event::Answer { phone: at, life, request, part: Part::Bytes(rest) });
        } else {
            self.at(arrives, Event::Answer { phone: at, life, request, part: Part::Bytes(bytes) });
        }
        if cut {
            let end = Part::Ended(End::Broken("the connection was cut".into()));
            self.at(Timestamp(arrives.0 + 2), Event::Answer { phone: at, life, request, part: end });
        }
        !cut
    }

    /// An answer ends in order, after everything that was sent.
    pub fn finish(&mut self, at: usize, life: u32, request: RequestId, end: End) {
        let Some(flight) = self.flight(at, life, request) else { return };
        let arrives = Timestamp(flight.arrives.0 + 1);
        flight.dead = true;
        self.at(arrives, Event::Answer { phone: at, life, request, part: Part::Ended(end) });
    }

    /// A request ends badly, as far as the device can tell.
    pub fn end(&mut self, at: usize, request: RequestId, end: End, delay: u64) {
        let life = self.phones[at].life;
        if let Some(flight) = self.flight(at, life, request) {
            flight.dead = true;
        }
        self.after(delay, Event::Answer { phone: at, life, request, part: Part::Ended(end) });
    }

    /// Every connection of a device breaks.
    pub fn disconnect(&mut self, at: usize, why: &str) {
        let alive: Vec<RequestId> =
            self.phones[at].flights.iter().filter(|(_, flight)| !flight.dead).map(|(id, _)| *id).collect();
        for request in alive {
            self.end(at, request, End::Broken(why.into()), 0);
        }
        self.relay_will_notice(at);
    }

    /// The relay learns in its time that a device is gone.
    pub fn relay_will_notice(&mut self, at: usize) {
        let boot = self.office.boot;
        let ids: Vec<u64> = self
            .office
            .connections
            .iter()
            .filter(|(_, connection)| connection.phone == at)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let delay = self.noise(3, id, 20_000);
            self.after(delay, Event::Gone { boot, id });
        }
    }

    fn flights(&mut self, at: usize, life: u32) -> Option<&mut std::collections::BTreeMap<RequestId, Flight>> {
        let phone = &mut self.phones[at];
        (phone.life == life).then_some(&mut phone.flights)
    }

    fn flight(&mut self, at: usize, life: u32, request: RequestId) -> Option<&mut Flight> {
        self.flights(at, life)?.get_mut(&request).filter(|flight| !flight.dead)
    }

    fn delay(&self, at: usize, which: u64) -> u64 {
        let which = ((at as u64) << 56) ^ which;
        match self.noise(4, which, 16) {
            0 => 500 + self.noise(5, which, 3000),
            _ => 1 + self.noise(5, which, 80),
        }
    }
}

fn encode(frames: &[Request]) -> Result<Vec<u8>, offdesk_core::protocol::CodecError> {
    let mut encoder = Encoder::new(WINDOW)?;
    frames.iter().try_for_each(|frame| encoder.push(frame))?;
    encoder.finish()
}

/// A request in short.
fn describe(frames: &[Request]) -> String {
    let one = |frame: &Request| match frame {
        Request::Hello(hello) => format!(
            "hello{{{:?} {:?} pull {} live {} digest {}}}",
            hello.incarnation,
            hello.cursor,
            hello.pull,
            hello.live,
            hello.digest.is_some()
        ),
        Request::Push { number } => format!("push {number}"),
        Request::Group { intents } => {
            let ids: Vec<String> = intents.iter().map(|intent| format!("{}@{}", intent.id, intent.document)).collect();
            format!("group {}", ids.join(","))
        }
        other => format!("{other:?}"),
    };
    frames.iter().map(one).collect::<Vec<_>>().join(" ")
}
