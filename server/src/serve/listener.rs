//! TCP, TLS and HTTP under the routes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{App, ServeError};
use crate::config::Tls;

/// How long a client may take over the head of a request: longer is a client that means to hold the connection.
const HEAD: Duration = Duration::from_secs(15);
/// A connection over which nothing came for this long is asked whether it lives.
const PING: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const PONG: Duration = Duration::from_secs(20);
/// What may be under way on one stream of a connection: a cold start is not slowed down by the round trip.
const WINDOW: u32 = 1024 * 1024;

/// Serves until the app shuts down and what was under way has ended or the grace is over.
pub(super) async fn serve(app: &App, routes: Router, listener: std::net::TcpListener) -> Result<(), ServeError> {
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
    tune(server.http_builder());
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let stop = {
        let (shutdown, grace) = (app.shutdown.clone(), app.config.shutdown_grace);
        async move {
            shutdown.cancelled().await;
            handle.graceful_shutdown(Some(grace));
            // The server ends by itself; this only tells it to.
            std::future::pending::<()>().await;
        }
    };
    // Replies of a few bytes must not wait for more to send (Nagle).
    let serving = async {
        match &app.config.tls {
            Some(tls) => {
                server.acceptor(RustlsAcceptor::new(rustls(tls)?).acceptor(NoDelayAcceptor::new())).serve(service).await
            }
            None => server.acceptor(NoDelayAcceptor::new()).serve(service).await,
        }
        .map_err(ServeError::Io)
    };
    tokio::select! {
        served = serving => served,
        () = stop => Ok(()),
    }
}

fn tune(builder: &mut hyper_util::server::conn::auto::Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW);
}

/// TLS 1.2 and 1.3 with ring; HTTP/2 where the client speaks it.
fn rustls(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let failed = |why: String| ServeError::Tls { certificate: tls.certificate.clone(), key: tls.key.clone(), why };
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(format!("the certificate: {error}")))?;
    if certificates.is_empty() {
        return Err(failed("the certificate file holds no certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| failed(format!("the key: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| failed(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
