//! Two or three repositories of samod over counted loopback TCP.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use automerge::{ActorId, Automerge};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
};
use offdesk_core::{
    ids::{IntentId, MemberId},
    model::{Action, Document, Kind, MessageKind, NewMessage},
    time::Timestamp,
};
use offdesk_relay::store::StoreError;
use offdesk_tests::Proxy;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use samod::{AcceptorHandle, BackoffConfig, DialError, Dialer, DialerHandle, DocHandle, Repo, ShareConfig, Transport};
use tokio::net::{TcpListener, TcpStream};

use super::Figures;
use crate::{
    lines::{UPLOAD_CONVERSATIONS, UPLOAD_MESSAGES},
    measure::{Samples, Watch},
    stage::Stage,
    workload::texts,
};

const LIVE: usize = 200;

/// A server with documents.
struct Server {
    repo: Repo,
    documents: Vec<DocHandle>,
    addr: SocketAddr,
    _acceptor: AcceptorHandle,
}

/// A client, and its connection.
struct Client {
    repo: Repo,
    dialer: DialerHandle<Infallible>,
}

/// Dials without Nagle's delay, as our own devices do.
struct Direct(SocketAddr);

impl Dialer for Direct {
    type Error = Infallible;

    fn url(&self) -> samod::Url {
        format!("tcp://{}", self.0).parse().unwrap()
    }

    fn connect(&self) -> BoxFuture<'static, Result<Transport, DialError<Infallible>>> {
        let addr = self.0;
        async move {
            let io = TcpStream::connect(addr).await.map_err(DialError::transient)?;
            io.set_nodelay(true).map_err(DialError::transient)?;
            Ok(Transport::from_tokio_io(io))
        }
        .boxed()
    }
}

/// The documents of the stage's relay: conversations first, as many contacts after them.
async fn documents(stage: &Stage) -> Vec<Document> {
    let read = stage.app().store.read(|tx| {
        let mut statement = tx
            .connection()
            .prepare("SELECT d.id, d.kind, coalesce(s.saved, x''), coalesce(s.seq, 0) FROM documents d LEFT JOIN snapshots s ON s.document = d.id WHERE d.kind < 3 ORDER BY d.kind, d.id")?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<Vec<(Vec<u8>, u8, Vec<u8>, u64)>, _>>()?;
        let mut changes =
            tx.connection().prepare("SELECT bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq")?;
        let mut documents = Vec::new();
        for (id, kind, saved, since) in rows {
            let kind = Kind::from_code(kind).unwrap();
            let mut document =
                if saved.is_empty() { Document::new(kind) } else { Document::load(kind, &saved).unwrap() };
            let later = changes.query_map((id, since), |row| row.get(0))?.collect::<Result<Vec<Vec<u8>>, _>>()?;
            document.apply_bytes(&later).unwrap();
            documents.push(document);
        }
        Ok::<_, StoreError>(documents)
    });
    read.await.unwrap()
}

async fn serve(documents: &[Document]) -> Server {
    let repo = Repo::build_tokio().with_share_policy(ShareConfig::read_write().with_announce(false)).load().await;
    let mut handles = Vec::new();
    for document in documents {
        handles.push(repo.create(Automerge::load(&document.save()).unwrap()).await.unwrap());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let acceptor = repo.make_acceptor(format!("tcp://{addr}").parse().unwrap()).unwrap();
    let accepting = acceptor.clone();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            io.set_nodelay(true).unwrap();
            accepting.accept(Transport::from_tokio_io(io)).unwrap();
        }
    });
    Server { repo, documents: handles, addr, _acceptor: acceptor }
}

fn dial(repo: &Repo, addr: SocketAddr) -> DialerHandle<Infallible> {
    repo.dial(BackoffConfig::default(), Arc::new(Direct(addr))).unwrap()
}

async fn client(addr: SocketAddr) -> Client {
    let repo = Repo::build_tokio().load().await;
    let dialer = dial(&repo, addr);
    Client { repo, dialer }
}

/// Asks for all documents of the server at once, once it is there to be asked.
async fn fetch(client: &Client, server: &Server) -> Vec<DocHandle> {
    client.dialer.established().await.unwrap();
    let asked = server.documents.iter().map(|handle| client.repo.find(handle.document_id().clone()));
    join_all(asked).await.into_iter().map(|found| found.unwrap().unwrap()).collect()
}

/// Waits until every document is the same on both sides of the client's connection.
async fn same(client: &Client, documents: &[DocHandle]) {
    client.dialer.established().await.unwrap();
    let connection = client.dialer.connection_id().unwrap();
    join_all(documents.iter().map(|handle| async move {
        handle.we_have_their_changes(connection).await;
        handle.they_have_our_changes(connection).await;
    }))
    .await;
}

/// Appends a message as our devices do, one change each.
struct Author {
    rng: ChaCha8Rng,
    actors: Vec<ActorId>,
}

impl Author {
    fn new(documents: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let actors = (0..documents)
            .map(|_| {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                ActorId::from(bytes)
            })
            .collect();
        Self { rng, actors }
    }

    fn write(&mut self, number: usize, held: &mut Document, handle: &DocHandle, text: &str) {
        let at = Timestamp(1_793_500_000_000);
        let id = IntentId::generate(at, &mut self.rng);
        let by = Some(MemberId::generate(at, &mut self.rng));
        let message = NewMessage::new(MessageKind::Outbound, by, text.to_owned(), at);
        let change = held.author(self.actors[number].clone(), id, at, &[Action::AddMessage { id, message }]).unwrap();
        handle.with_document(|document| document.apply_changes([change]).unwrap());
    }
}

/// A cold start.
pub async fn cold(stage: &Stage) -> Figures {
    let server = serve(&documents(stage).await).await;
    let proxy = Proxy::to(server.addr).await.unwrap();
    let counted = client(proxy.addr()).await;
    let held = fetch(&counted, &server).await;
    same(&counted, &held).await;
    let traffic = proxy.traffic();
    counted.repo.stop().await;
    let watch = Watch::start();
    let timed = client(server.addr).await;
    let held = fetch(&timed, &server).await;
    same(&timed, &held).await;
    let cost = watch.stop();
    timed.repo.stop().await;
    server.repo.stop().await;
    Figures { bytes: Some(traffic.up + traffic.down), wall: Some(cost.wall), cpu: cost.cpu, ..Figures::default() }
}

/// A reconnect after so many conversations got a message more at the server.
pub async fn reconnect(stage: &Stage, changed: usize) -> Figures {
    let mut documents = documents(stage).await;
    let server = serve(&documents).await;
    let proxy = Proxy::to(server.addr).await.unwrap();
    let mut client = client(proxy.addr()).await;
    let held = fetch(&client, &server).await;
    same(&client, &held).await;
    let mut author = Author::new(documents.len());
    let mut figures = Figures::default();
    // Once for the bytes, once without the proxy for the time.
    for (round, addr) in [proxy.addr(), server.addr].into_iter().enumerate() {
        client.dialer.close();
        proxy.cut();
        for (number, text) in texts(round as u64, changed).iter().enumerate() {
            author.write(number, &mut documents[number], &server.documents[number], text);
        }
        let (before, watch) = (proxy.traffic(), Watch::start());
        client.dialer = dial(&client.repo, addr);
        same(&client, &held).await;
        let cost = watch.stop();
        if round == 0 {
            let traffic = proxy.traffic().since(before);
            figures.bytes = Some(traffic.up + traffic.down);
        } else {
            (figures.wall, figures.cpu) = (Some(cost.wall), cost.cpu);
        }
    }
    client.repo.stop().await;
    server.repo.stop().await;
    figures
}

/// An upload of what was written offline.
pub async fn upload(stage: &Stage) -> Figures {
    let mut documents = documents(stage).await;
    let server = serve(&documents).await;
    let proxy = Proxy::to(server.addr).await.unwrap();
    let mut client = client(proxy.addr()).await;
    let held = fetch(&client, &server).await;
    same(&client, &held).await;
    let mut author = Author::new(documents.len());
    let mut figures = Figures::default();
    for (round, addr) in [proxy.addr(), server.addr].into_iter().enumerate() {
        client.dialer.close();
        proxy.cut();
        for (number, text) in texts(round as u64, UPLOAD_MESSAGES).iter().enumerate() {
            let number = number % UPLOAD_CONVERSATIONS;
            author.write(number, &mut documents[number], &held[number], text);
        }
        let (before, watch) = (proxy.traffic(), Watch::start());
        client.dialer = dial(&client.repo, addr);
        same(&client, &held).await;
        let cost = watch.stop();
        if round == 0 {
            let traffic = proxy.traffic().since(before);
            figures.bytes = Some(traffic.up + traffic.down);
        } else {
            (figures.wall, figures.cpu) = (Some(cost.wall), cost.cpu);
        }
    }
    client.repo.stop().await;
    server.repo.stop().await;
    figures
}

/// Changes of one client, until the other has them.
pub async fn live(stage: &Stage) -> Figures {
    let mut documents: Vec<Document> = documents(stage).await.into_iter().take(50).collect();
    let server = serve(&documents).await;
    let (ana, ben) = (client(server.addr).await, client(server.addr).await);
    let (anas, bens) = (fetch(&ana, &server).await, fetch(&ben, &server).await);
    same(&ana, &anas).await;
    same(&ben, &bens).await;
    let mut author = Author::new(documents.len());
    let mut samples = Samples::default();
    for (number, text) in texts(3, LIVE).iter().enumerate() {
        let number = number % documents.len();
        let mut arriving = Box::pin(bens[number].changes());
        let watch = Watch::start();
        author.write(number, &mut documents[number], &anas[number], text);
        arriving.next().await.unwrap();
        samples.add(watch.stop());
    }
    ana.repo.stop().await;
    ben.repo.stop().await;
    server.repo.stop().await;
    Figures { latency: format!("{}, nothing durable", samples.p50_p99()), ..Figures::default() }
}
