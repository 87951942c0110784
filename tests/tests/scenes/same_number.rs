//! Natural keys: the same new number, started three times at once.

use std::collections::BTreeSet;

use offdesk_core::{model::MessageKind, triage::InboxFilter};
use offdesk_tests::{AGENT, World, database, eventually};

const MARIA: &str = "+14155550177";

/// R41, R32: Ana and Ben, both offline, each start a conversation with Maria's new number, while she texts us herself. There
/// is one contact and one conversation; every message is in it once, in the relay's order, the same on both phones; nothing is
/// left under the ids that the phones had made up.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_started_three_times_is_one_conversation() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);
    let phones = [&anas, &bens];
    for phone in phones {
        phone.go_offline();
    }
    let by_ana = anas.start_conversation("(415) 555-0177", Some("Maria"), None, Some("Ana here")).unwrap();
    let by_ben = bens.start_conversation("+1 415 555 0177", Some("Maria G."), None, Some("Ben here")).unwrap();
    anas.note(by_ana.conversation, "Met at the fair").unwrap();
    bens.add_tag(by_ben.conversation, "fair").unwrap();
    let mut former = BTreeSet::new();
    for (phone, started) in [(&anas, &by_ana), (&bens, &by_ben)] {
        let row = phone.conversation(started.conversation).unwrap().row;
        former.extend([row.document.0, row.conversation.0, started.contact.0]);
    }
    world.inbound(MARIA, "Maria here").await;

    for phone in phones {
        phone.go_online();
        phone.live().await;
    }
    let rows = |phone: &offdesk_tests::Phone| phone.inbox(&InboxFilter::default(), 10, None).unwrap();
    for phone in phones {
        eventually("all four entries are there", || {
            let rows = rows(phone);
            rows.len() == 1 && phone.messages(rows[0].conversation).len() == 4 && rows[0].tags.contains("fair")
        })
        .await;
        eventually("every message went as far as it goes", || {
            let messages = phone.messages(rows(phone)[0].conversation);
            messages.iter().all(|message| message.order.is_some())
        })
        .await;
    }
    let row = rows(&anas).remove(0);
    assert_eq!(row.conversation, rows(&bens)[0].conversation);
    assert_eq!(row.contact, rows(&bens)[0].contact);

    world.provider.until(|texts| texts.iter().filter(|text| text.to == MARIA).count() == 2).await;
    for phone in phones {
        eventually("both texts are delivered", || {
            let messages = phone.messages(row.conversation);
            messages
                .iter()
                .filter(|message| message.kind == MessageKind::Outbound)
                .all(|message| message.delivery == Some(offdesk_core::protocol::Delivery::Delivered))
        })
        .await;
    }
    assert_eq!(anas.messages(row.conversation), bens.messages(row.conversation));
    let texts = anas.texts(row.conversation);
    assert_eq!(texts[0], "Maria here", "hers was the first that the relay took");
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 4, "each once: {texts:?}");
    assert!(anas.messages(row.conversation).iter().map(|message| message.order).is_sorted());
    let mut handset = world.provider.handset(MARIA);
    handset.sort();
    assert_eq!(handset, ["Ana here", "Ben here"]);

    for (phone, started) in [(&anas, &by_ana), (&bens, &by_ben)] {
        assert_eq!(phone.stats().unwrap().contacts, 1);
        assert_eq!(phone.search("0177", 10).unwrap().len(), 1);
        if started.conversation != row.conversation {
            assert!(phone.conversation(started.conversation).is_err(), "the former conversation is gone");
        }
        let connection = database::open(&phone.config.database, &phone.key);
        let present = database::rows_under(&connection, &row.document.0, &row.document.to_string());
        assert!(!present.is_empty(), "the search finds the rows of what stands");
        for id in
            former.iter().filter(|id| **id != row.document.0 && **id != row.conversation.0 && **id != row.contact.0)
        {
            let text = offdesk_core::ids::DocumentId(*id).to_string();
            assert_eq!(database::rows_under(&connection, id, &text), Vec::<String>::new());
        }
        assert_eq!(database::integrity(&connection), "ok");
    }
}
