//! Counts the bytes on the wire: a forwarder on this machine between the device and the relay. What goes through it is
//! what TCP carries: TLS, HTTP headers, chunk lengths and all.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinHandle,
};
use url::Url;

/// A running forwarder; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
}

impl Forwarder {
    /// Listens on a free port of this machine and forwards to the relay.
    pub(crate) async fn to(relay: &str) -> io::Result<Self> {
        let url = Url::parse(relay).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the relay's address has no host");
        let host = url.host_str().ok_or_else(invalid)?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or_else(invalid)?;
        let target = lookup_host((host, port)).await?.next().ok_or_else(invalid)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        let task = tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(forward(inner, target, counting.clone()));
            }
        });
        Ok(Self { address, counts, task })
    }

    /// Bytes to and from the relay so far.
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.counts.up.load(Relaxed), self.counts.down.load(Relaxed))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Either side that ends, ends both: a device that cuts its request off means it.
async fn forward(inner: TcpStream, target: SocketAddr, counts: Arc<Counts>) {
    let Ok(outer) = TcpStream::connect(target).await else { return };
    let _ = (inner.set_nodelay(true), outer.set_nodelay(true));
    let (inner_read, inner_write) = inner.into_split();
    let (outer_read, outer_write) = outer.into_split();
    tokio::select! {
        _ = copy(inner_read, outer_write, &counts.up) => {}
        _ = copy(outer_read, inner_write, &counts.down) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    counted: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        counted.fetch_add(u64::try_from(read).unwrap_or(0), Relaxed);
        to.write_all(&buffer[..read]).await?;
    }
}
