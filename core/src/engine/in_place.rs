//! Work that waits for a disk, called from async code.
//!
//! Handing a fraction of a millisecond of work to another thread and waiting for it costs two wake-ups of sleeping threads,
//! on a small machine more than the work itself. So it runs where it is called, after telling the runtime that this thread
//! may wait; a runtime of one thread only has no other that could go on meanwhile, and gets it done on a thread beside.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{block_in_place, spawn_blocking},
};

/// Runs `work`; `None` if it panicked, or the runtime ends.
pub(super) async fn in_place<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return spawn_blocking(work).await.ok();
    }
    // A panic ends the work, as on a thread of its own, and not the task that asked for it.
    catch_unwind(AssertUnwindSafe(|| block_in_place(work))).ok()
}
