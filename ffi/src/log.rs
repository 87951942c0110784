//! What the library says of itself, handed to the host. It holds ids, counts and errors: nothing that anybody wrote, and
//! nobody's name or phone.

use std::{
    fmt::{self, Write},
    sync::{
        Arc, Once, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    reload,
};

use crate::error::OffdeskError;

/// Records that wait for the sink; what comes beyond is left out, and counted.
const WAITING: usize = 1024;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be, and goes on.
    Warn,
    /// What happens.
    Info,
    /// Every step.
    Debug,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

impl From<&Level> for LogLevel {
    fn from(level: &Level) -> Self {
        match *level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// Which part says it.
    pub target: String,
    /// What, with its values as `name=value`.
    pub message: String,
    /// How many records were left out before this one, since the sink was slow.
    pub left_out: u64,
}

/// Takes what the library says. Called on a thread of its own, one record after the other, never while the library does
/// anything for the caller.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// Takes one record.
    fn log(&self, record: LogRecord);
}

type Sink = RwLock<Option<Arc<dyn LogSink>>>;

static SINK: Sink = RwLock::new(None);
static START: Once = Once::new();
static FILTER: RwLock<Option<reload::Handle<LevelFilter, Registry>>> = RwLock::new(None);

/// Hands what the library says from now on to `sink`, as far as it matters as much as `level`; no sink: to nobody. There is
/// one for the whole process.
///
/// # Errors
/// `Storage` if no thread can be started.
#[uniffi::export]
pub fn set_log_sink(level: LogLevel, sink: Option<Arc<dyn LogSink>>) -> Result<(), OffdeskError> {
    let mut started = Ok(());
    START.call_once(|| started = start());
    started?;
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = sink;
    if let Some(filter) = FILTER.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        let _ = filter.modify(|current| *current = level.into());
    }
    Ok(())
}

fn start() -> Result<(), OffdeskError> {
    let (sender, records) = sync_channel::<LogRecord>(WAITING);
    let deliver = move || {
        while let Ok(record) = records.recv() {
            let sink = SINK.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(sink) = sink {
                sink.log(record);
            }
        }
    };
    let spawned = thread::Builder::new().name("offdesk-log".into()).spawn(deliver);
    spawned.map_err(|error| OffdeskError::Storage { reason: format!("no thread can be started: {error}") })?;
    let (filter, handle) = reload::Layer::new(LevelFilter::OFF);
    let sink = Hand { sender, left_out: AtomicU64::new(0) }.with_filter(filter);
    // A host in Rust may have a subscriber of its own: then it hears everything there.
    if tracing::subscriber::set_global_default(Registry::default().with(sink)).is_ok() {
        *FILTER.write().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }
    Ok(())
}

/// Hands events to the thread that calls the sink.
struct Hand {
    sender: SyncSender<LogRecord>,
    left_out: AtomicU64,
}

impl<S: Subscriber> Layer<S> for Hand {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Libraries beneath ours may name hosts and more.
        if !event.metadata().target().starts_with("offdesk") {
            return;
        }
        let mut words = Words(String::new());
        event.record(&mut words);
        let left_out = self.left_out.swap(0, Relaxed);
        let record = LogRecord {
            level: event.metadata().level().into(),
            target: event.metadata().target().to_owned(),
            message: words.0,
            left_out,
        };
        if self.sender.try_send(record).is_err() {
            self.left_out.fetch_add(left_out + 1, Relaxed);
        }
    }
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        let written = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
        // Writing to a string does not fail.
        let _ = written;
    }
}
