import Foundation
import Offdesk
import Testing

/// What a member does: enrol, reply with and without a network, sort, search.
struct WorkTests {
    @Test func enrol_and_open() async throws {
        let scene = try await Scene.open()
        await #expect(throws: OffdeskError.notEnrolled) { try await Offdesk.open(scene.configuration("Ada")) }
        await #expect {
            try await Offdesk.enrol(scene.configuration("Ada"), relay: scene.relay, code: "WRONG", deviceName: "Ada")
        } throws: {
            if case .enrolmentRefused = $0 as? OffdeskError { true } else { false }
        }
        var ada = try await scene.enrol("Ada")
        let member = try await ada.me().member
        try await ada.close()
        await #expect(throws: OffdeskError.alreadyEnrolled) {
            try await Offdesk.enrol(scene.configuration("Ada"), relay: scene.relay, code: "ANY", deviceName: "Ada")
        }
        ada = try await scene.reopen("Ada")
        #expect(try await ada.syncOnce(deadline: .seconds(30)).upToDate)
        let me = try await ada.me()
        #expect(me.member == member)
        #expect(me.name == "Ada")
        #expect(me.hasToggle)
        try await scene.close()
    }

    @Test func offline_reply_is_delivered_later() async throws {
        let scene = try await Scene.open()
        var ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Is my order ready?")
        let conversation = try await theConversation(ada)
        try await scene.network(up: false)
        try await ada.setNetwork(.offline)
        try await ada.reply(to: conversation, text: "Yes, come by!")
        #expect(try await ada.conversation(conversation).messages[1].delivery == .saved)
        try await ada.close()

        ada = try await scene.reopen("Ada")
        #expect(try await ada.conversation(conversation).messages[1].text == "Yes, come by!")
        try await scene.network(up: true)
        try await ada.start()
        for try await messages in ada.observeMessages(of: conversation) where messages[1].delivery == .delivered {
            break
        }
        #expect(try await scene.sent() == ["Yes, come by!"])
        try await scene.close()
    }

    @Test func alert_is_raised_and_dismissed() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        var shown: [Alert] = []
        for try await alerts in ada.observeAlerts() where !alerts.isEmpty {
            shown = alerts
            break
        }
        #expect(try await ada.badge() == 1)
        let alert = try #require(shown.first)
        #expect(alert.text == "Hello?")
        #expect(alert.rule == "R12")
        guard case .unassigned(message: _, queue: nil) = alert.reason else {
            Issue.record("\(alert.reason)")
            return
        }
        let explained = try await ada.explain(alert.id)
        #expect(explained.rule == "R12")
        #expect(explained.sentences.first?.contains("Nobody was assigned") == true)
        try await ada.dismissAlert(alert.id)
        #expect(try await ada.badge() == 0)
        try await scene.close()
    }

    @Test func rejected_reply_is_shown_with_its_reason() async throws {
        let scene = try await Scene.open()
        let member = try await scene.person("Ada", "agent")
        let ada = try await scene.enrol(member: member, "Ada")
        try await ada.start()
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        try await isLive(ada)
        try await scene.network(up: false)
        try await ada.setNetwork(.offline)
        try await scene.setLevel(member, "reader")
        let intent = try await ada.reply(to: conversation, text: "Hi Maria")
        try await scene.network(up: true)
        try await ada.setNetwork(.online)
        try await eventually("it needs attention") { ada.status.attention == 1 }
        let item = try #require(try await ada.outbox().first)
        #expect(item.intent == intent)
        #expect(item.text == "Hi Maria")
        guard case .needsAttention(why: .rejected(let code, let reason)) = item.state else {
            Issue.record("\(item.state)")
            return
        }
        #expect(code == "forbidden")
        #expect(!reason.isEmpty)
        try await ada.discard(intent)
        #expect(try await ada.outbox().isEmpty)
        #expect(try await scene.sent().isEmpty)
        try await scene.close()
    }

    @Test func held_reply_is_sent() async throws {
        let scene = try await Scene.open(staleAfterMs: 0)
        let ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Is it ready?")
        let conversation = try await theConversation(ada)
        try await scene.network(up: false)
        try await ada.setNetwork(.offline)
        try await ada.reply(to: conversation, text: "I'll check.")
        try await scene.inbound(maria, "Never mind, I see it.")
        try await scene.network(up: true)
        try await ada.setNetwork(.online)
        try await eventually("it is held") { ada.status.held == 1 }
        let item = try #require(try await ada.outbox().first)
        guard case .held(because: _, let byText) = item.state else {
            Issue.record("\(item.state)")
            return
        }
        #expect(byText == "Never mind, I see it.")
        #expect(try await scene.sent().isEmpty)
        try await ada.sendHeld(item.intent, in: conversation)
        try await eventually("the customer gets it") { try await scene.sent() == ["I'll check."] }
        try await scene.close()
    }

    @Test func draft_survives_reopening() async throws {
        let scene = try await Scene.open()
        var ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        try await ada.setDraft("Hi Mar", in: conversation)
        #expect(try await ada.inbox().rows[0].draft)
        try await ada.close()
        ada = try await scene.reopen("Ada")
        #expect(try await ada.draft(in: conversation) == "Hi Mar")
        try await scene.close()
    }

    @Test func assign_close_snooze_and_undo() async throws {
        let scene = try await Scene.open()
        let (ada, ben) = (try await scene.live("Ada"), try await scene.live("Ben"))
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        let bens = try await ben.me().member
        try await eventually("Ada knows Ben") { try await ada.members().contains { $0.id == bens } }
        try await ada.setNetwork(.offline)
        try await ada.assign(bens, to: conversation)
        #expect(try await ada.inbox().rows[0].assignees.map(\.member) == [bens])
        let until = Date(timeIntervalSinceNow: 3600)
        try await ada.snooze(conversation, until: until)
        let rests = try #require(try await ada.inbox().rows[0].snoozedUntil)
        #expect(abs(rests.timeIntervalSince(until)) <= 0.001)
        let closing = try await ada.closeConversation(conversation)
        try await ada.addTag("vip", to: conversation)
        await #expect(throws: OffdeskError.nothingToDo) { try await ada.addTag("vip", to: conversation) }
        #expect(try await ada.inbox().rows[0].status == .closed)
        try await ada.undo(closing)
        #expect(try await ada.inbox().rows[0].status == .open)
        try await ada.setNetwork(.online)
        let mine = InboxFilter(mine: true)
        for try await rows in ben.observeInbox(mine) where rows.first?.snoozedUntil != nil {
            #expect(rows.map(\.id) == [conversation])
            #expect(rows[0].status == .open)
            break
        }
        try await scene.close()
    }

    @Test func search_by_name_and_phone() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        try await ada.setNetwork(.offline)
        try await ada.startConversation(phone: "(415) 555-0123", name: "María López", text: "Hello")
        for typed in ["lopez", "mar", "5550123", "0123"] {
            let hits = try await ada.search(typed)
            #expect(hits.map(\.contact.displayName) == ["María López"], "\(typed)")
            #expect(hits.first?.conversations.count == 1)
        }
        #expect(try await ada.search("ben").isEmpty)
        try await scene.close()
    }

    @Test func panels_show_the_customer() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        let started = try await ada.startConversation(phone: maria, name: "Maria", text: "Hello").conversation
        try await ada.addTag("vip", to: started)
        let panels = try await ada.panels(of: started)
        #expect(panels.customer.name == "Maria")
        #expect(panels.customer.card?.phones == [maria])
        #expect(panels.conversation.tags == ["vip"])
        let me = try await ada.me().member
        #expect(panels.conversation.assignments.map(\.member) == [me])
        for try await followed in ada.observePanels(of: started) {
            #expect(followed == panels || followed?.conversation.tags == ["vip"])
            break
        }
        try await scene.close()
    }

    @Test func revoked_device_loses_its_data() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        _ = try await theConversation(ada)
        try await scene.revoke("Ada")
        for try await status in ada.observeStatus() where status.revoked {
            break
        }
        await #expect(throws: OffdeskError.revoked) { try await ada.inbox() }
        let file = scene.database("Ada").path
        try await eventually("its file is gone") { !FileManager.default.fileExists(atPath: file) }
        await #expect(throws: OffdeskError.notEnrolled) { try await Offdesk.open(scene.configuration("Ada")) }
        try await scene.close()
    }
}
