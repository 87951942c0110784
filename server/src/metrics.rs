//! What the relay counts, as Prometheus reads it. The names are here, so that no two modules spell one differently.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// HTTP requests by route, method and status.
pub const HTTP_REQUESTS: &str = "offdesk_http_requests_total";
/// Seconds from an HTTP request to the head of its response, by route.
pub const HTTP_SECONDS: &str = "offdesk_http_response_head_seconds";
/// Groups of intents judged, by `verdict`.
pub const VERDICTS: &str = "offdesk_verdicts_total";
/// Live streams that are open now.
pub const LIVE_STREAMS: &str = "offdesk_live_streams";
/// Closures in one commit of the writer.
pub const WRITER_BATCH: &str = "offdesk_writer_batch_size";
/// Messages that reached a state of the dispatch ladder (R31), by `state`.
pub const DISPATCHED: &str = "offdesk_dispatch_total";
/// Devices enrolled.
pub const ENROLLED: &str = "offdesk_devices_enrolled_total";
/// Requests refused by a rate limit, by route.
pub const RATE_LIMITED: &str = "offdesk_rate_limited_total";

/// Reads the counters out. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Metrics").field(&self.0.is_some()).finish()
    }
}

impl Metrics {
    /// The process' counters. The `metrics` crate has one recorder a process, so several relays in one process (tests)
    /// share it.
    pub fn shared() -> Self {
        static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
        Self(HANDLE.get_or_init(install).clone())
    }

    /// Everything counted so far, in Prometheus' text format. Empty if another library took the recorder's place.
    pub fn render(&self) -> String {
        self.0.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }

    /// Drains histograms; to be called every few seconds, or they grow until somebody reads them.
    pub fn upkeep(&self) {
        if let Some(handle) = &self.0 {
            handle.run_upkeep();
        }
    }
}

fn install() -> Option<PrometheusHandle> {
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    let full = |name: &str| metrics_exporter_prometheus::Matcher::Full(name.to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(full(HTTP_SECONDS), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(full(WRITER_BATCH), &sizes))
        .ok()?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is installed: /metrics stays empty");
        return None;
    }
    describe();
    Some(handle)
}

fn describe() {
    metrics::describe_counter!(HTTP_REQUESTS, "HTTP requests by route, method and status");
    metrics::describe_histogram!(
        HTTP_SECONDS,
        metrics::Unit::Seconds,
        "Time from a request to the head of its response"
    );
    metrics::describe_counter!(VERDICTS, "Groups of intents judged, by verdict");
    metrics::describe_gauge!(LIVE_STREAMS, "Live streams that are open now");
    metrics::describe_histogram!(WRITER_BATCH, "Closures in one commit of the writer");
    metrics::describe_counter!(DISPATCHED, "Messages that reached a state of the dispatch ladder");
    metrics::describe_counter!(ENROLLED, "Devices enrolled");
    metrics::describe_counter!(RATE_LIMITED, "Requests refused by a rate limit");
}
