//! A disk below SQLite that tests can make fail, and from which the power can be taken.
//!
//! [`Disk::watch`] takes over one folder: every file that SQLite opens in it (database, write-ahead log, journal) goes
//! through a SQLite file system of ours (`vfs`), which hands everything on to the usual one, so that locks, shared memory
//! and the bytes read back are the real ones. On the way it does two things:
//!
//! - It **records** every write, truncation, sync, creation and deletion, in order (`disk`). From the record the disk of
//!   any moment can be built afterwards, as a power cut would leave it (`platter`): what was synced is there; of the rest
//!   all, nothing, or any part.
//! - It **fails** at a point that the test names: one call answers with an I/O error, or from there on the disk is full.
//!
//! So the real code runs once for all power cuts, and once for each failure that it has to survive alive. Files outside a
//! watched folder, temporary ones and SQLite's shared memory (which holds nothing that must last) are not touched.
//!
//! # What a power cut leaves
//! The model is stricter than most disks are. An unsynced write may be there, missing or half there, whatever was written
//! after it. A file's name is durable only once its folder was synced, which SQLite does for logs and journals. A sync that
//! returned holds, unless the disk is told to lie ([`Disk::forget_syncs`]).
//!
//! What is not seen: files that the program under test handles itself, past SQLite. [`Disk::settle`] takes over their
//! present state as durable.

mod disk;
mod platter;
mod vfs;

pub use disk::{Disk, Failure, Point, PointKind, Synchronous};
pub use platter::{Cut, Image, Loss};
