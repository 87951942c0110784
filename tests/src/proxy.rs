//! A TCP proxy between a device and the relay: it counts what passes, cuts where it is told, and refuses.
//!
//! What is counted is the payload of the TCP connections, HTTP's own lines included. A *turn* is a change of direction
//! from the relay's speaking to the device's: one request with its answer is one turn, however long either is.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from device to relay.
    pub up: u64,
    /// Bytes from relay to device.
    pub down: u64,
    /// Connections opened.
    pub connections: u64,
    /// Times that the device spoke after the relay, or first.
    pub turns: u64,
}

impl Traffic {
    /// What passed since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Traffic) -> Traffic {
        Traffic {
            up: self.up - earlier.up,
            down: self.down - earlier.down,
            connections: self.connections - earlier.connections,
            turns: self.turns - earlier.turns,
        }
    }
}

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
    turns: AtomicU64,
    refusing: AtomicBool,
    /// The count of bytes down at which everything is cut, once.
    cut_at: AtomicU64,
    /// Counts the cuts: a connection ends when this moves on.
    cuts: watch::Sender<u64>,
}

const NEVER: u64 = u64::MAX;

impl Proxy {
    /// A proxy on a free port of loopback.
    ///
    /// # Errors
    /// [`io::Error`] if there is no port.
    pub async fn to(relay: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to: relay,
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
            cut_at: AtomicU64::new(NEVER),
            cuts: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { addr, shared, accepting })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as a device writes the relay's.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            up: self.shared.up.load(SeqCst),
            down: self.shared.down.load(SeqCst),
            connections: self.shared.connections.load(SeqCst),
            turns: self.shared.turns.load(SeqCst),
        }
    }

    /// Cuts every connection now.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Cuts every connection once `bytes` more have gone down to the device: exactly these still arrive.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.cut_at.store(self.shared.down.load(SeqCst).saturating_add(bytes), SeqCst);
    }

    /// Whether the cut that was asked for is still to come.
    pub fn cut_is_due(&self) -> bool {
        self.shared.cut_at.load(SeqCst) != NEVER
    }

    /// From now on refuses connections, and cuts those that are open; or accepts them again.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, SeqCst);
        if refuse {
            self.cut();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Shared {
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((device, _)) = listener.accept().await {
        if shared.refusing.load(SeqCst) {
            continue;
        }
        let mut cut = shared.cuts.subscribe();
        let shared = shared.clone();
        tokio::spawn(async move {
            let Ok(relay) = TcpStream::connect(shared.to).await else { return };
            let _ = (device.set_nodelay(true), relay.set_nodelay(true));
            shared.connections.fetch_add(1, SeqCst);
            let device_spoke = AtomicBool::new(false);
            let ((from_device, to_device), (from_relay, to_relay)) = (device.into_split(), relay.into_split());
            tokio::select! {
                // Leaving drops all four halves, which closes both sockets.
                _ = cut.changed() => {}
                _ = async { tokio::join!(up(&shared, from_device, to_relay, &device_spoke), down(&shared, from_relay, to_device, &device_spoke)) } => {}
            }
        });
    }
}

async fn up(
    shared: &Shared,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    device_spoke: &AtomicBool,
) -> io::Result<()> {
    let mut block = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut block).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        if !device_spoke.swap(true, SeqCst) {
            shared.turns.fetch_add(1, SeqCst);
        }
        shared.up.fetch_add(read as u64, SeqCst);
        to.write_all(&block[..read]).await?;
    }
}

async fn down(
    shared: &Shared,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    device_spoke: &AtomicBool,
) -> io::Result<()> {
    let mut block = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut block).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        device_spoke.store(false, SeqCst);
        let left = shared.cut_at.load(SeqCst).saturating_sub(shared.down.load(SeqCst));
        let passes = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        // Counted before it is passed on, so that whoever has read it finds it counted.
        shared.down.fetch_add(passes as u64, SeqCst);
        to.write_all(&block[..passes]).await?;
        if passes < read || shared.down.load(SeqCst) == shared.cut_at.load(SeqCst) {
            shared.cut_at.store(NEVER, SeqCst);
            shared.cut();
            return Ok(());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A server that answers each byte with ten.
    async fn echo_tenfold() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() {
                        stream.write_all(&[byte[0]; 10]).await.unwrap();
                    }
                });
            }
        });
        addr
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.addr).await.unwrap()
    }

    #[tokio::test]
    async fn bytes_and_turns_are_counted() {
        let proxy = Proxy::to(echo_tenfold().await).await.unwrap();
        let mut device = connect(&proxy).await;
        let mut answer = [0; 10];
        for turn in 1..=3 {
            device.write_all(b"x").await.unwrap();
            device.read_exact(&mut answer).await.unwrap();
            let traffic = proxy.traffic();
            assert_eq!(traffic, Traffic { up: turn, down: 10 * turn, connections: 1, turns: turn });
        }
    }

    #[tokio::test]
    async fn a_cut_comes_at_its_byte() {
        let proxy = Proxy::to(echo_tenfold().await).await.unwrap();
        let mut device = connect(&proxy).await;
        proxy.cut_after(7);
        device.write_all(b"x").await.unwrap();
        let mut answer = Vec::new();
        // How a cut shows (an end or a reset) is the system's affair.
        let _ = device.read_to_end(&mut answer).await;
        assert_eq!(answer.len(), 7);
        assert!(!proxy.cut_is_due());
        let mut again = connect(&proxy).await;
        again.write_all(b"y").await.unwrap();
        again.read_exact(&mut [0; 10]).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusing_proxy_closes_what_is_open_and_what_comes() {
        let proxy = Proxy::to(echo_tenfold().await).await.unwrap();
        let mut open = connect(&proxy).await;
        open.write_all(b"x").await.unwrap();
        open.read_exact(&mut [0; 10]).await.unwrap();
        proxy.refuse(true);
        let mut rest = Vec::new();
        let _ = open.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        let mut refused = connect(&proxy).await;
        let _ = refused.write_all(b"x").await;
        let _ = refused.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        proxy.refuse(false);
        let mut again = connect(&proxy).await;
        again.write_all(b"y").await.unwrap();
        again.read_exact(&mut [0; 10]).await.unwrap();
    }
}
