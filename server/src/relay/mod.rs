//! The sync route: what a device misses, as a stream of frames.
//!
//! A request is read whole (it is bounded), its push is judged in one transaction of the writer, and then pages follow
//! until the device is up to date; a live stream goes on page by page as the log grows. A page is computed on a reader's
//! snapshot by `catch_up`, from the device's cursor alone: the relay keeps nothing about a stream but the order of a
//! large catch-up (`backfill`), so that a cut stream resumes where it broke, on any connection.
//!
//! What is answered to what is [`exchange`], a machine without I/O; `stream` carries it out over a socket.

mod backfill;
mod catch_up;
mod contents;
mod digests;
pub mod exchange;
mod fetch;
mod http;
mod live;
mod presence;
pub mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use catch_up::PageSizes;
pub use http::router;
pub use live::LiveStreams;
pub use presence::Presences;
