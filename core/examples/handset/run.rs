//! The commands.

use std::time::Duration;

use offdesk_core::{
    engine::{Clock, Offdesk, SystemClock},
    ids::{ConversationId, IntentId},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    cli::{Cli, Command, DeviceArgs},
    device::{Failure, config, seconds_of},
    forward::Forwarder,
    measure::{Stopwatch, cpu, peak_memory},
    names,
    output::{self, Output},
    told,
    triage::filter_of,
    watch, words,
};

/// A command's surroundings.
pub(crate) struct Run {
    args: DeviceArgs,
    pub(crate) out: Output,
    timeout: Duration,
    pub(crate) now: Timestamp,
}

/// How long a search waits for messages to be taken in.
const INDEXING: Duration = Duration::from_secs(2);

pub(crate) async fn run(cli: Cli, command: Command) -> Result<(), Failure> {
    let out = Output { json: cli.device.json };
    let run = Run { timeout: seconds_of(cli.device.timeout)?, args: cli.device, out, now: SystemClock.now() };
    match command {
        Command::Enrol { relay, code, name } => run.enrol(&relay, &code, &name).await,
        Command::Sync { direct } => run.sync(direct).await,
        Command::Stats => run.stats().await,
        command => {
            let device = run.open()?;
            let done = run.on(&device, command).await;
            device.close().await;
            done
        }
    }
}

impl Run {
    fn open(&self) -> Result<Offdesk, Failure> {
        Ok(Offdesk::open(config(&self.args, Duration::ZERO, false)?)?)
    }

    async fn enrol(&self, relay: &str, code: &str, name: &str) -> Result<(), Failure> {
        let device = Offdesk::enrol(config(&self.args, Duration::ZERO, true)?, relay, code, name).await?;
        let me = device.me()?;
        device.close().await;
        let said = json!({ "workspace": me.workspace, "member": me.member, "device": me.device, "relay": me.relay });
        self.out.say(&said, || vec![format!("enrolled as device {} of member {}", me.device, me.member)])
    }

    async fn on(&self, device: &Offdesk, command: Command) -> Result<(), Failure> {
        match command {
            Command::Watch { seconds, filter } => {
                let seconds = seconds.map(seconds_of).transpose()?;
                watch::watch(device, self.out, filter_of(device, &filter)?, seconds, self.args.offline).await
            }
            Command::Told(told) => {
                if told::run(device, self.out, self.now, told)? {
                    // Saved is saved: what can't be sent now goes out with the next sync.
                    let _ = self.settle(device).await;
                }
                Ok(())
            }
            Command::ReEnrol { code, name } => {
                device.re_enrol(&code, &name).await?;
                let me = device.me()?;
                self.out.say(&json!({ "device": me.device }), || vec![format!("enrolled anew as device {}", me.device)])
            }
            Command::Code => {
                let code = device.new_enrolment_code().await?;
                let line = format!("{}  (until {})", code.code, words::clock(code.expires, self.now));
                self.out.say(&json!(code), || vec![line])
            }
            Command::Wipe => {
                device.clone().wipe().await?;
                self.out.say(&json!({ "wiped": true }), || vec!["the device's data is deleted".into()])
            }
            Command::Contacts(command) => self.people(device, command).await,
            Command::Filters(command) => self.filters(device, command).await,
            Command::Triage(command) => self.triage(device, command).await,
            Command::Canned { text } => {
                let found = device.canned(&text.join(" "))?;
                self.out.say(&json!({ "canned": found }), || {
                    found.iter().map(|one| format!("{:<12} {}", one.canned.shortcut, one.canned.text)).collect()
                })
            }
            Command::Panel(named) => {
                let panels = device.panels(names::conversation(device, &named.conversation)?)?;
                let lines = output::panels(device, &panels, self.now)?;
                self.out.say(&json!(panels), || lines)
            }
            command @ (Command::List { .. }
            | Command::Search { .. }
            | Command::Show { .. }
            | Command::Alerts
            | Command::Outbox
            | Command::Members) => self.look(device, command),
            command => self.act(device, command).await,
        }
    }

    /// Commands that only look: at what is here.
    fn look(&self, device: &Offdesk, command: Command) -> Result<(), Failure> {
        let now = self.now;
        match command {
            Command::List { filter, limit } => {
                let rows = device.inbox(&filter_of(device, &filter)?, limit, None)?;
                let counts = device.counts()?;
                self.out.say(&json!({ "conversations": rows, "counts": counts }), || {
                    rows.iter().map(|row| output::row(row, now)).collect()
                })
            }
            Command::Search { text, limit } => {
                let typed = text.join(" ");
                let hits = device.search(&typed, limit)?;
                // What came since this device was last used is taken in first, as far as a person waits.
                device.index_messages(INDEXING)?;
                let messages = device.search_messages(&typed, limit)?;
                let said = json!({ "hits": hits, "messages": messages.hits, "complete": messages.complete });
                let in_messages: Vec<String> = messages
                    .hits
                    .iter()
                    .map(|hit| {
                        let id = hit.conversation.conversation;
                        let text = device.message(id, hit.message).map(|message| message.text).unwrap_or_default();
                        let by = if hit.by_record { "  (record only)" } else { "" };
                        format!("{}{by}\n    … {text}", output::row(&hit.conversation, now))
                    })
                    .collect();
                self.out.say(&said, || {
                    hits.iter()
                        .flat_map(|hit| {
                            let phones: Vec<&str> = hit.contact.phones.iter().map(String::as_str).collect();
                            let by = if hit.by_record { "  (record only)" } else { "" };
                            let head = format!("{}  {}{by}", hit.contact.display_name, phones.join(", "));
                            std::iter::once(head)
                                .chain(hit.conversations.iter().map(|row| format!("  {}", output::row(row, now))))
                        })
                        .chain(in_messages)
                        .collect()
                })
            }
            Command::Show { conversation } => {
                let view = device.conversation(names::conversation(device, &conversation)?)?;
                let lines = output::conversation(device, &view, now)?;
                self.out.say(&json!(view), || lines)
            }
            Command::Alerts => {
                let alerts = device.alerts()?;
                self.out.say(&json!({ "alerts": alerts, "badge": device.badge()? }), || {
                    alerts.iter().map(|active| output::alert(active, now)).collect()
                })
            }
            Command::Outbox => {
                let items = device.outbox()?;
                let said: Vec<Value> = items
                    .iter()
                    .map(|item| json!({ "item": item, "state": words::waiting_name(&item.state), "says": words::waiting(&item.state, now) }))
                    .collect();
                self.out
                    .say(&json!({ "items": said }), || items.iter().map(|item| output::waiting(item, now)).collect())
            }
            _ => {
                let (members, me) = (device.members()?, device.me()?);
                self.out.say(&json!({ "members": members, "me": me.member }), || {
                    let mark = |member| if member == me.member { "  (you)" } else { "" };
                    members.iter().map(|member| format!("{}  {}{}", member.id, member.name, mark(member.id))).collect()
                })
            }
        }
    }

    /// Commands that change something: durable first, then sent if the relay can be reached.
    async fn act(&self, device: &Offdesk, command: Command) -> Result<(), Failure> {
        let find = |typed: &str| names::conversation(device, typed);
        let (conversation, intent): (Option<ConversationId>, Option<IntentId>) = match command {
            Command::Reply(to) => on(find(&to.conversation)?, |id| device.reply(id, &to.text.join(" ")))?,
            Command::Note(to) => {
                let text = to.text.join(" ");
                let names = device.members()?.into_iter().map(|member| (member.id, member.name)).collect();
                let called = names::mentioned(&text, &names);
                on(find(&to.conversation)?, |id| device.note_to(id, &text, &called))?
            }
            Command::Assign(to) => {
                let member = names::member(device, to.member.as_deref())?;
                on(find(&to.conversation)?, |id| device.assign(id, member))?
            }
            Command::Unassign(to) => {
                let member = names::member(device, to.member.as_deref())?;
                on(find(&to.conversation)?, |id| device.unassign(id, member))?
            }
            Command::Close(named) => on(find(&named.conversation)?, |id| device.close_conversation(id))?,
            Command::Reopen(named) => on(find(&named.conversation)?, |id| device.reopen(id))?,
            Command::Tag(to) => on(find(&to.conversation)?, |id| device.add_tag(id, &to.tag))?,
            Command::Untag(to) => on(find(&to.conversation)?, |id| device.remove_tag(id, &to.tag))?,
            Command::Read(named) => quietly(find(&named.conversation)?, |id| device.mark_read(id))?,
            Command::Unread(named) => quietly(find(&named.conversation)?, |id| device.mark_unread(id))?,
            Command::Draft { conversation, text } => {
                quietly(find(&conversation)?, |id| device.set_draft(id, &text.join(" ")))?
            }
            Command::Start { phone, text, name, from } => {
                let text = text.join(" ");
                let started =
                    device.start_conversation(&phone, name.as_deref(), from.as_deref(), Some(text.as_str()))?;
                (Some(started.conversation), started.intent)
            }
            Command::Dismiss { alert } => {
                let active = names::alert(device, &alert)?;
                device.dismiss_alert(active.alert.id)?;
                (Some(active.conversation), None)
            }
            command => self.act_on_waiting(device, command)?,
        };
        self.saved(device, conversation, intent).await
    }

    /// Says what was saved, and whether it was sent.
    pub(crate) async fn saved(
        &self,
        device: &Offdesk,
        conversation: Option<ConversationId>,
        intent: Option<IntentId>,
    ) -> Result<(), Failure> {
        let synced = self.settle(device).await;
        let mut said = json!({ "conversation": conversation, "intent": intent, "synced": synced.is_ok() });
        if let Err(why) = &synced {
            said["why"] = json!(why);
        }
        self.out.say(&said, || {
            let id = intent.map(|intent| format!(" as {intent}")).unwrap_or_default();
            match synced {
                Ok(()) => vec![format!("saved{id} and sent")],
                Err(why) => vec![format!("saved{id}; {why}")],
            }
        })
    }

    fn act_on_waiting(
        &self,
        device: &Offdesk,
        command: Command,
    ) -> Result<(Option<ConversationId>, Option<IntentId>), Failure> {
        let held = |typed: &str| -> Result<(ConversationId, IntentId), Failure> {
            let item = names::waiting(device, typed)?;
            let gone = || Failure::Name(format!("'{typed}' is in no conversation on this device"));
            Ok((item.conversation.ok_or_else(gone)?, item.intent))
        };
        Ok(match command {
            Command::Undo(waiting) => {
                let item = names::waiting(device, &waiting.intent)?;
                device.undo(item.intent)?;
                (item.conversation, None)
            }
            Command::Discard(waiting) => {
                let item = names::waiting(device, &waiting.intent)?;
                device.discard(item.intent)?;
                (item.conversation, None)
            }
            Command::Retry(waiting) => {
                let item = names::waiting(device, &waiting.intent)?;
                (item.conversation, Some(device.retry(item.intent)?))
            }
            Command::SendHeld(waiting) => {
                let (conversation, message) = held(&waiting.intent)?;
                (Some(conversation), Some(device.send_held(conversation, message)?))
            }
            Command::DropHeld(waiting) => {
                let (conversation, message) = held(&waiting.intent)?;
                (Some(conversation), Some(device.drop_held(conversation, message)?))
            }
            Command::EditHeld { intent, text } => {
                let (conversation, message) = held(&intent)?;
                (Some(conversation), Some(device.edit_held(conversation, message, &text.join(" "))?))
            }
            _ => (None, None),
        })
    }

    /// Sends what waits, if it can: what was saved stays saved either way.
    pub(crate) async fn settle(&self, device: &Offdesk) -> Result<(), String> {
        if self.args.offline {
            return Err("offline: it goes out with the next sync".into());
        }
        device.sync_once(self.timeout).await.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn sync(&self, direct: bool) -> Result<(), Failure> {
        if self.args.offline {
            return Err(Failure::Usage("sync needs the network: leave --offline out".into()));
        }
        let device = self.open()?;
        let relay = device.me()?.relay;
        let (device, forwarder) = if direct {
            (device, None)
        } else {
            device.close().await;
            let forwarder = Forwarder::to(&relay).await.map_err(Failure::io(format!("the relay at {relay}")))?;
            let mut config = config(&self.args, Duration::ZERO, false)?;
            config.via = Some(forwarder.address);
            (Offdesk::open(config)?, Some(forwarder))
        };
        let watch = Stopwatch::start();
        let outcome = device.sync_once(self.timeout).await;
        let (wall, used) = (watch.wall(), watch.cpu());
        device.close().await;
        let report = outcome?;
        let wire = forwarder.map(|forwarder| forwarder.counted());
        let said = json!({
            "ok": true,
            "up_to_date": report.up_to_date,
            "documents": report.documents,
            "round_trips": report.round_trips,
            "wall_ms": millis(wall),
            "first_page_ms": report.first_page.map(millis),
            "cpu_ms": millis(used),
            "process_cpu_ms": millis(cpu()),
            "wire_up": wire.map(|(up, _)| up),
            "wire_down": wire.map(|(_, down)| down),
            "body_up": report.bytes_up,
            "body_down": report.bytes_down,
            "peak_memory": peak_memory(),
        });
        self.out.say(&said, || {
            let (up, down) = wire.unwrap_or((report.bytes_up, report.bytes_down));
            vec![
                format!("{} documents in {:.1} ms, {} round trips", report.documents, millis(wall), report.round_trips),
                format!(
                    "{} up, {} down {}; bodies {} and {}",
                    words::bytes(up),
                    words::bytes(down),
                    if wire.is_some() { "on the wire" } else { "in bodies" },
                    words::bytes(report.bytes_up),
                    words::bytes(report.bytes_down)
                ),
                format!(
                    "first page after {}; processor {:.1} ms; peak memory {}",
                    report.first_page.map_or("none".into(), |first| format!("{:.1} ms", millis(first))),
                    millis(used),
                    peak_memory().map_or("unknown".into(), words::bytes)
                ),
            ]
        })
    }

    async fn stats(&self) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        let device = self.open()?;
        let stats = device.stats()?;
        let status = device.status();
        device.close().await;
        let said = json!({
            "stats": stats,
            "pending": status.pending,
            "attention": status.attention,
            "held": status.held,
            "wall_ms": millis(watch.wall()),
            "cpu_ms": millis(cpu()),
            "peak_memory": peak_memory(),
        });
        self.out.say(&said, || {
            vec![
                format!(
                    "{} documents: {} conversations, {} contacts",
                    stats.documents, stats.conversations, stats.contacts
                ),
                format!("{} waiting, {} to look at, {} held", status.pending, status.attention, status.held),
                format!("database {}", words::bytes(stats.database_bytes)),
                format!(
                    "opened and read in {:.1} ms; processor {:.1} ms; peak memory {}",
                    millis(watch.wall()),
                    millis(cpu()),
                    peak_memory().map_or("unknown".into(), words::bytes)
                ),
            ]
        })
    }
}

type Done = (Option<ConversationId>, Option<IntentId>);

fn on(
    id: ConversationId,
    verb: impl FnOnce(ConversationId) -> Result<IntentId, offdesk_core::engine::Error>,
) -> Result<Done, Failure> {
    Ok((Some(id), Some(verb(id)?)))
}

fn quietly(
    id: ConversationId,
    verb: impl FnOnce(ConversationId) -> Result<(), offdesk_core::engine::Error>,
) -> Result<Done, Failure> {
    verb(id)?;
    Ok((Some(id), None))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
