import Foundation
import OffdeskAPI
import OffdeskFake
import Testing

@testable import OffdeskUI

/// Waits until something is so, and fails if it never is.
@MainActor
func eventually(
    _ what: Comment, at place: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
) async throws {
    let until = ContinuousClock.now + .seconds(20)
    while await !condition() {
        guard ContinuousClock.now < until else {
            Issue.record(what, sourceLocation: place)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Follows as a screen does, while `work` runs.
@MainActor
func following(_ follow: @escaping @MainActor () async -> Void, _ work: () async throws -> Void) async throws {
    let task = Task { await follow() }
    defer { task.cancel() }
    try await work()
}

@MainActor struct InboxModelTests {
    let desk = FakeDesk(.tuesday())

    @Test func it_shows_the_rows_of_its_filter_and_follows() async throws {
        let inbox = InboxModel(desk)
        try await following(inbox.followRows) {
            try await eventually("three rows") { inbox.rows.map(\.id) == ["maria", "farid", "ines"] }
            #expect(inbox.hasToggle)
            await desk.happens { $0.rows[2].at = Date() }
            try await eventually("what is new is on top") { inbox.rows.first?.id == "ines" }
        }
        inbox.query = InboxQuery(mine: true, filter: .open)
        try await following(inbox.followRows) {
            try await eventually("Ada's own") { inbox.rows.map(\.id) == ["ines", "farid"] }
        }
        inbox.query.filter = .unread
        inbox.query.mine = false
        try await following(inbox.followRows) {
            try await eventually("the unread one") { inbox.rows.map(\.id) == ["maria"] }
        }
        try await eventually("a screen that has gone follows nothing") { await desk.followed == 0 }
    }

    @Test func a_swipe_can_be_taken_back() async throws {
        let inbox = InboxModel(desk)
        try await following(inbox.followRows) {
            try await eventually("the rows are there") { inbox.rows.count == 3 }
            await inbox.close(inbox.rows[0])
            try await eventually("it is gone from the open ones") { inbox.rows.map(\.id) == ["farid", "ines"] }
            #expect(inbox.done?.said == "Closed Maria López")
            await inbox.undo()
            try await eventually("it is back") { inbox.rows.count == 3 }
            #expect(inbox.done == nil)
            await inbox.take(inbox.rows[0])
            try await eventually("it is Ada's") { inbox.rows[0].assignees == ["Ada"] }
            await inbox.snooze(inbox.rows[0], until: Date(timeIntervalSinceNow: 3600))
            try await eventually("it rests") { inbox.rows.count == 2 }
        }
    }

    @Test func a_failure_is_told_and_an_ended_screen_is_not() async throws {
        let inbox = InboxModel(desk)
        await desk.failNext("this device is paused: resume it first")
        await inbox.close(InboxRow(id: "maria", title: "Maria", preview: "", at: Date()))
        #expect(inbox.failure == "this device is paused: resume it first")
        #expect(inbox.done == nil)
        inbox.failure = nil
        let task = Task { await inbox.followRows() }
        task.cancel()
        await task.value
        #expect(inbox.failure == nil)
    }

    @Test func search_finds_customers_and_forgets_them() async {
        let inbox = InboxModel(desk)
        inbox.typed = " mar"
        await inbox.search()
        #expect(inbox.hits.map(\.name) == ["Maria López"])
        inbox.typed = ""
        await inbox.search()
        #expect(inbox.hits.isEmpty)
    }

    @Test func the_line_says_the_most_urgent_first() {
        var state = SyncState(.offline)
        state.pending = 2
        #expect(StatusLine(state) == StatusLine(state))
        #expect(StatusLine(state).text == "Offline · 2 wait to be sent")
        #expect(!StatusLine(state).urgent)
        state.held = 1
        #expect(StatusLine(state).text == "1 held: decide what becomes of them")
        state.attention = 1
        #expect(StatusLine(state).text == "1 need your attention")
        state.revoked = true
        #expect(StatusLine(state).urgent)
        #expect(StatusLine(SyncState(.catchingUp(done: 3, total: 10))).text == "Updating 3 of 10")
        #expect(StatusLine(SyncState(.live)).text == "Up to date")
    }
}

@MainActor struct ConversationModelTests {
    let desk = FakeDesk(.tuesday())

    @Test func an_open_conversation_is_read_and_follows() async throws {
        let maria = ConversationModel(desk, conversation: "maria")
        try await following(maria.followMessages) {
            try await eventually("it shows") { maria.bubbles.map(\.text) == ["Is my order ready?"] }
            try await eventually("and is read") { await desk.state.rows[0].unread == false }
        }
        try await following(maria.followPanel) {
            try await eventually("the panel") { maria.panel?.customer.first?.value == "+1 415 555 0123" }
        }
    }

    @Test func every_keystroke_is_kept_and_restored() async throws {
        let maria = ConversationModel(desk, conversation: "maria")
        for end in 1...9 {
            maria.text = String("Yes, come".prefix(end))
        }
        await maria.leave()
        #expect(await desk.draft(in: "maria") == "Yes, come")
        let again = ConversationModel(desk, conversation: "maria")
        try await following(again.followMessages) {
            try await eventually("it is in the field") { again.text == "Yes, come" }
        }
    }

    @Test func a_reply_shows_at_once_and_can_be_taken_back() async throws {
        let maria = ConversationModel(desk, conversation: "maria")
        try await following(maria.followMessages) {
            try await eventually("it shows") { maria.bubbles.count == 1 }
            #expect(!maria.canSend)
            maria.text = "Yes, come by!"
            #expect(maria.canSend)
            await maria.send()
            #expect(maria.text.isEmpty)
            try await eventually("it shows") { maria.bubbles.last?.step == .saved }
            #expect(maria.bubbles.last?.step.label == "Saved on this device")
            await maria.undoSend()
            try await eventually("it is gone, and its text is in the field again") {
                maria.bubbles.count == 1 && maria.text == "Yes, come by!"
            }
            #expect(maria.sent == nil)
        }
    }

    @Test func what_could_not_be_sent_stays_in_the_field() async {
        let maria = ConversationModel(desk, conversation: "maria")
        maria.text = "Yes"
        await maria.leave()
        await desk.failNext("the disk is full: free some space and try again")
        await maria.send()
        #expect(maria.text == "Yes")
        #expect(maria.failure == "the disk is full: free some space and try again")
        maria.failure = nil
        maria.mode = .note
        await maria.send()
        #expect(await desk.state.messages["maria"]?.last?.side == .note)
    }

    @Test func a_held_reply_asks_and_is_edited() async throws {
        let ines = ConversationModel(desk, conversation: "ines")
        try await following(ines.followMessages) {
            try await eventually("it shows") { ines.bubbles.count == 3 }
            let held = ines.bubbles[2]
            #expect(held.step.isUrgent)
            await ines.decide(.edit("Good to hear!"), on: held)
            try await eventually("it is sent") { ines.bubbles[2].step == .sent && ines.bubbles[2].text == "Good to hear!" }
        }
    }

    @Test func the_ladder_has_a_label_for_each_step() {
        let steps: [Bubble.Step] = [
            .saved, .accepted, .scheduled(Date()), .held, .handedOver, .sent, .delivered, .dropped, .unknown, .failed("x"),
        ]
        #expect(steps.allSatisfy { $0.label?.isEmpty == false })
        #expect(Bubble.Step.none.label == nil)
        #expect(Bubble.Step.failed("no such number").label == "Not delivered: no such number")
    }
}

@MainActor struct TellingModelTests {
    let desk = FakeDesk(.tuesday())

    @Test func an_alert_comes_is_explained_and_goes() async throws {
        let alerts = AlertsModel(desk)
        var (came, went): ([String], [String]) = ([], [])
        let follow = Task {
            await alerts.follow { new, gone in
                came += new.map(\.id)
                went += gone
            }
        }
        defer { follow.cancel() }
        try await eventually("it is shown") { came == ["a1"] }
        await alerts.why(alerts.alerts[0])
        #expect(alerts.explanation?.sentences.last == "Nobody was assigned.")
        await alerts.dismiss(alerts.alerts[0])
        try await eventually("it is taken back") { went == ["a1"] }
    }

    @Test func the_outbox_asks_first() async throws {
        let outbox = OutboxModel(desk)
        try await following(outbox.follow) {
            try await eventually("two ask") { outbox.asking.map(\.id) == ["i3", "o2"] }
            #expect(outbox.asking[0].label == "Held, because this came first: “Never mind, I see it.”")
            #expect(outbox.asking[1].label == "Your role doesn't allow it.")
            await outbox.retry(outbox.asking[1])
            try await eventually("it is under way again") { outbox.underWay.map(\.id) == ["o2"] }
            await outbox.decide(.drop, on: outbox.asking[0])
            try await eventually("nothing asks any more") { outbox.asking.isEmpty }
            await outbox.discard(outbox.underWay[0])
            try await eventually("nothing is left") { outbox.underWay.isEmpty }
        }
    }
}

@MainActor struct AppModelTests {
    @Test func a_new_device_is_enrolled() async {
        let app = AppModel(FakeDeskMaker(nil))
        await app.open()
        guard case .enrolling = app.phase else {
            Issue.record("it is not asked to enrol")
            return
        }
        await app.enrol(relay: "https://relay.example.com", code: "0000", deviceName: "Ada's phone")
        #expect(app.failure == "The code is not known: ask an administrator for another one.")
        #expect(app.desk == nil)
        await app.enrol(relay: "https://relay.example.com", code: " 1234\n", deviceName: "Ada's phone")
        #expect(app.failure == nil)
        #expect(app.desk != nil)
    }

    @Test func a_suspended_app_holds_nothing_and_a_wake_up_lets_go_again() async throws {
        let desk = FakeDesk(.tuesday())
        let app = AppModel(FakeDeskMaker(desk))
        await app.open()
        await app.willSuspend()
        #expect(await desk.state.paused)
        await desk.happens { $0.sync.pending = 3 }
        #expect(await app.refresh())
        #expect(await desk.state.sync.pending == 0)
        #expect(await desk.state.paused)
        await app.becameActive()
        #expect(await desk.state.paused == false)
    }

    @Test func a_link_opens_its_conversation_and_others_nothing() throws {
        let app = AppModel(FakeDeskMaker(FakeDesk()))
        app.open(try #require(URL(string: "https://example.com/conversation/maria")))
        app.open(try #require(URL(string: "offdesk://conversation")))
        #expect(app.opened == nil)
        app.open(try #require(URL(string: "offdesk://conversation/maria")))
        #expect(app.opened == "maria")
    }
}
