//! What the devices show, whatever the order in which they come back.

use std::collections::BTreeSet;

use offdesk_core::{alerts::Why, ids::ConversationId};
use offdesk_tests::{AGENT, Person, Phone, World, eventually};

/// What a device does in airplane mode, and what happens meanwhile.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Ana's phone has read it.
    Read,
    /// Ana's laptop has dismissed the alert.
    Dismissed,
    /// Ben's phone has assigned Ana.
    Assigned,
    /// Ben's laptop has mentioned Ana in a note.
    Mentioned,
    /// The customer has written again.
    Wrote,
}

/// Every order of these.
fn orders(acts: &[Act]) -> Vec<Vec<Act>> {
    if acts.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..acts.len() {
        let mut rest = acts.to_vec();
        let first = rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first], order].concat()));
    }
    all
}

struct Scene {
    world: World,
    ana: Person,
    anas: [Phone; 2],
    bens: [Phone; 2],
}

/// What a device shows of a conversation: the rule of each alert.
fn shown(phone: &Phone, conversation: ConversationId) -> Vec<&'static str> {
    let alerts = phone.alerts().unwrap();
    let ids: BTreeSet<_> = alerts.iter().map(|active| active.alert.id).collect();
    assert_eq!(ids.len(), alerts.len(), "none twice");
    let here = alerts.iter().filter(|active| active.conversation == conversation);
    let mut rules: Vec<&str> = here
        .map(|active| match active.alert.why {
            // Whether she was assigned when the customer wrote again depends on the order; that she is told doesn't.
            Why::Assigned { .. } | Why::Unassigned { .. } => "R11 or R12",
            ref why => why.rule(),
        })
        .collect();
    rules.sort_unstable();
    rules
}

impl Scene {
    async fn open() -> Self {
        let world = World::open().await;
        let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
        let anas = [world.phone(&ana, "Ana's phone").await, world.phone(&ana, "Ana's laptop").await];
        let bens = [world.phone(&ben, "Ben's phone").await, world.phone(&ben, "Ben's laptop").await];
        Self { world, ana, anas, bens }
    }

    fn devices(&self) -> impl Iterator<Item = &Phone> {
        self.anas.iter().chain(&self.bens)
    }

    async fn play(&self, customer: &str, order: &[Act]) {
        self.world.inbound(customer, "Hello?").await;
        for device in self.devices() {
            eventually("it is there", || device.conversation_with(customer).is_some()).await;
            let conversation = device.conversation_with(customer).unwrap();
            eventually("all are told", || shown(device, conversation) == ["R11 or R12"]).await;
            device.go_offline();
        }
        let [phone, laptop] = &self.anas;
        let conversation = phone.conversation_with(customer).unwrap();
        phone.mark_read(conversation).unwrap();
        let alert = laptop.alerts().unwrap().into_iter().find(|active| active.conversation == conversation).unwrap();
        laptop.dismiss_alert(alert.alert.id).unwrap();
        self.bens[0].assign(conversation, self.ana.id).unwrap();
        self.bens[1].note_to(conversation, "Yours?", &[self.ana.id]).unwrap();
        for act in order {
            let device = match act {
                Act::Read => phone,
                Act::Dismissed => laptop,
                Act::Assigned => &self.bens[0],
                Act::Mentioned => &self.bens[1],
                Act::Wrote => {
                    self.world.inbound(customer, "Anybody?").await;
                    continue;
                }
            };
            device.go_online();
            device.live().await;
        }
        // The first message is read; the second, the assigning and the mention are not. It is Ana's now, and nothing is Ben's.
        for device in &self.anas {
            let told = || shown(device, conversation) == ["R11 or R12", "R14", "R26"];
            eventually(&format!("Ana is told of what she has not seen, after {order:?}"), told).await;
        }
        for device in &self.bens {
            eventually(&format!("Ben is told of nothing, after {order:?}"), || shown(device, conversation).is_empty())
                .await;
        }
        let ids = |device: &Phone| -> BTreeSet<_> {
            device.alerts().unwrap().into_iter().map(|active| active.alert.id).collect()
        };
        assert_eq!(ids(phone), ids(laptop), "the same alerts on both, after {order:?}");
        assert_eq!(phone.badge().unwrap(), ids(phone).len(), "the badge says how many there are");
        phone.mark_read(conversation).unwrap();
        for device in self.devices() {
            eventually("read on one is read on all", || shown(device, conversation).is_empty()).await;
        }
    }
}

/// R11 to R15, R26: two devices each, and every order in which they come back: none missed, none doubled, none that is moot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_shows_the_same() {
    let scene = Scene::open().await;
    let all = orders(&[Act::Read, Act::Dismissed, Act::Assigned, Act::Mentioned, Act::Wrote]);
    assert_eq!(all.len(), 120);
    for (number, order) in all.iter().enumerate() {
        scene.play(&format!("+1415555{:04}", 2_000 + number), order).await;
    }
    scene.world.stop().await;
}
