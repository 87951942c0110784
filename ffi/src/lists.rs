//! Live lists: pulled by the host, step by step. There is no callback: whoever awaits `next` is told when there is
//! something, a slow one skips what was in between, and nothing goes on once the list is ended or let go.

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use offdesk_core::{engine::LiveList, triage::ListDiff};
use tokio::sync::{Mutex, watch};

use crate::error::OffdeskError;

static OPEN: AtomicU32 = AtomicU32::new(0);

/// How many live lists of all devices this process holds, for tests that none is leaked.
#[uniffi::export]
pub fn open_lists() -> u32 {
    OPEN.load(Relaxed)
}

/// One observer's place in a live list of the core.
pub(crate) struct Followed<T> {
    list: Mutex<(LiveList<T>, bool)>,
    ended: watch::Sender<bool>,
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("ended", &*self.ended.borrow()).finish_non_exhaustive()
    }
}

/// What the host gets: all rows at first, then the steps from one state to the next.
pub(crate) enum Told<T> {
    First(Vec<T>),
    Then(Vec<ListDiff<T>>),
}

impl<T: Clone + PartialEq + Send + 'static> Followed<T> {
    pub(crate) fn new(list: LiveList<T>) -> Self {
        OPEN.fetch_add(1, Relaxed);
        Self { list: Mutex::new((list, false)), ended: watch::Sender::new(false) }
    }

    /// `None` once the list was ended or the device closed.
    pub(crate) async fn next(&self) -> Option<Told<T>> {
        let mut ended = self.ended.subscribe();
        let told = async {
            let mut followed = self.list.lock().await;
            if !followed.1 {
                followed.1 = true;
                return Some(Told::First(followed.0.items().to_vec()));
            }
            followed.0.next().await.map(Told::Then)
        };
        until(told, async move { ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default() }).await
    }

    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }
}

impl<T> Drop for Followed<T> {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Relaxed);
    }
}

/// What `work` answers, or `None` as soon as it is over.
pub(crate) async fn until<T>(work: impl Future<Output = Option<T>>, over: impl Future<Output = ()>) -> Option<T> {
    tokio::select! {
        biased;
        () = over => None,
        told = work => told,
    }
}

/// A live list for the hosts: an object, and the steps that it tells.
macro_rules! live_list {
    ($(#[$doc:meta])* $list:ident, $(#[$step_doc:meta])* $step:ident, $core:ty => $item:ty) => {
        $(#[$doc])*
        #[derive(Debug, uniffi::Object)]
        pub struct $list($crate::lists::Followed<$core>);

        $(#[$step_doc])*
        #[derive(Clone, Debug, PartialEq, uniffi::Enum)]
        pub enum $step {
            /// All of it, in place of what was there: always the first step.
            Reset {
                /// The items.
                items: Vec<$item>,
            },
            /// Puts an item in.
            Insert {
                /// Where it then stands.
                index: u32,
                /// The item.
                item: $item,
            },
            /// Replaces an item that stays in its place.
            Update {
                /// Where it stands.
                index: u32,
                /// The item.
                item: $item,
            },
            /// Takes an item out and puts it in elsewhere.
            Move {
                /// Where it stood.
                from: u32,
                /// Where it stands once taken out and put in.
                to: u32,
                /// The item, which may have changed too.
                item: $item,
            },
            /// Takes an item out.
            Remove {
                /// Where it stood.
                index: u32,
            },
        }

        impl From<offdesk_core::triage::ListDiff<$core>> for $step {
            fn from(step: offdesk_core::triage::ListDiff<$core>) -> Self {
                use $crate::error::narrow;
                use offdesk_core::triage::ListDiff;
                match step {
                    ListDiff::Insert { index, item } => Self::Insert { index: narrow(index), item: item.into() },
                    ListDiff::Update { index, item } => Self::Update { index: narrow(index), item: item.into() },
                    ListDiff::Move { from, to, item } => {
                        Self::Move { from: narrow(from), to: narrow(to), item: item.into() }
                    }
                    ListDiff::Remove { index } => Self::Remove { index: narrow(index) },
                }
            }
        }

        impl $list {
            pub(crate) fn over(list: offdesk_core::engine::LiveList<$core>) -> std::sync::Arc<Self> {
                std::sync::Arc::new(Self($crate::lists::Followed::new(list)))
            }
        }

        #[uniffi::export]
        impl $list {
            /// Waits for the next change, and returns the steps that lead there, to be applied in order; at first all there
            /// is. `null`/`nil` once the list was ended or the device closed. May be cancelled without losing a change.
            ///
            /// # Errors
            /// `Storage` if no thread can be started.
            pub async fn next(self: std::sync::Arc<Self>) -> Result<Option<Vec<$step>>, $crate::error::OffdeskError> {
                $crate::runtime::on_runtime(async move {
                    Ok(self.0.next().await.map(|told| match told {
                        $crate::lists::Told::First(items) => {
                            vec![$step::Reset { items: items.into_iter().map(Into::into).collect() }]
                        }
                        $crate::lists::Told::Then(steps) => steps.into_iter().map(Into::into).collect(),
                    }))
                })
                .await
            }

            /// Ends the list: a `next` that waits returns at once. Letting the object go ends it too.
            pub fn end(&self) {
                self.0.end();
            }
        }
    };
}

pub(crate) use live_list;

/// Makes sure that what is started along with a list runs on our runtime.
pub(crate) fn follow<T>(make: impl FnOnce() -> T) -> Result<T, OffdeskError> {
    let _entered = crate::runtime::enter()?;
    Ok(make())
}
