//! What every route and background task of a running relay shares.

use std::sync::Arc;

use offdesk_core::time::Timestamp;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::EnrolLimit,
    clock::Clock,
    config::Config,
    metrics::Metrics,
    random::Random,
    relay::{LiveStreams, Presences},
    store::Store,
};

/// A running relay's state; cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The configuration.
    pub config: Arc<Config>,
    /// The clock that drivers ask.
    pub clock: Arc<dyn Clock>,
    /// Where drivers get their randomness.
    pub random: Random,
    /// Cancelled when the relay begins to shut down: live streams then say goodbye, background tasks end.
    pub shutdown: CancellationToken,
    /// The live streams that are open.
    pub streams: LiveStreams,
    /// Who is where right now.
    pub presences: Presences,
    /// What is counted.
    pub metrics: Metrics,
    /// How often an address may try to enrol.
    pub enrolments: Arc<EnrolLimit>,
}

impl App {
    /// The state of a relay on an open store.
    pub fn new(store: Store, config: Config, clock: Arc<dyn Clock>, random: Random) -> Self {
        let enrolments = Arc::new(EnrolLimit::new(config.limits.enrol_per_minute));
        Self {
            store,
            config: Arc::new(config),
            clock,
            random,
            shutdown: CancellationToken::new(),
            streams: LiveStreams::default(),
            presences: Presences::default(),
            metrics: Metrics::shared(),
            enrolments,
        }
    }

    /// The relay's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A generator for one piece of work, to move into the writer's closure.
    pub fn rng(&self) -> StdRng {
        self.random.generator()
    }
}
