import Foundation
import Offdesk
import Testing

/// What a screen follows: lists, status, the end of both.
struct FollowTests {
    @Test func inbox_follows_by_diffs() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        var inbox = ada.observeInbox().makeAsyncIterator()
        #expect(try await inbox.next() == [])
        try await scene.inbound(maria, "Hello?")
        var shown = try await follow(&inbox) { $0.count == 1 }
        try await scene.inbound("+14155550199", "Hi")
        shown = try await follow(&inbox) { $0.count == 2 }
        try await scene.inbound(maria, "Anybody there?")
        shown = try await follow(&inbox) { $0[0].preview == "Anybody there?" }
        #expect(shown.map(\.preview) == ["Anybody there?", "Hi"])
        #expect(try await ada.inbox().rows.map(\.id) == shown.map(\.id))
        try await scene.close()
    }

    @Test func status_tells_what_waits() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        try await ada.setNetwork(.offline)
        try await ada.reply(to: conversation, text: "Hello Maria")
        var changes = ada.observeStatus().makeAsyncIterator()
        _ = try await follow(&changes) { $0.pending == 1 }
        #expect(ada.status.network == .offline)
        #expect(ada.status.connection == .offline)
        try await ada.setNetwork(.online)
        _ = try await follow(&changes) { $0.pending == 0 && $0.connection == .live }
        try await scene.close()
    }

    @MainActor
    @Test func a_loop_on_the_main_actor_follows_and_ends_with_its_task() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        let screen = Screen()
        screen.follow(ada)
        try await scene.inbound(maria, "Hello?")
        try await eventually("the screen shows it") { screen.rows.map(\.preview) == ["Hello?"] }
        screen.following?.cancel()
        await screen.following?.value
        #expect(screen.ended)
        try await scene.close()
    }

    /// A cancelled sync throws at once, what runs in the library ends too, and the next one goes on.
    @Test func cancelled_sync_ends_at_once() async throws {
        let scene = try await Scene.open()
        try await scene.fill(2000)
        let ada = try await scene.enrol("Ada")
        await #expect(throws: OffdeskError.deadline) { try await ada.syncOnce(deadline: .zero) }
        // The relay can't answer: what doesn't end by cancellation ends after a minute.
        try await scene.network(up: false)
        let began = ContinuousClock.now
        let sync = Task { try await ada.syncOnce(deadline: .seconds(60)) }
        sync.cancel()
        await #expect(throws: CancellationError.self) { try await sync.value }
        #expect(ContinuousClock.now - began < .seconds(10))
        try await scene.network(up: true)

        let midway = Task { try await ada.syncOnce(deadline: .seconds(60)) }
        try await eventually("pages are coming") { try await !ada.inbox(limit: 1).rows.isEmpty }
        midway.cancel()
        _ = await midway.result
        #expect(try await ada.syncOnce(deadline: .seconds(60)).upToDate)
        #expect(try await ada.counts().open == 2000)
        try await scene.close()
    }

    @Test func ten_thousand_rows() async throws {
        let scene = try await Scene.open()
        try await scene.fill(10_000)
        let ada = try await scene.enrol("Ada")
        try await ada.start()
        try await isLive(ada)
        #expect(try await ada.counts().open == 10_000)
        var inbox = ada.observeInbox(limit: 10_000).makeAsyncIterator()
        _ = try await follow(&inbox) { $0.count == 10_000 }
        try await scene.inbound(maria, "I am new")
        let shown = try await follow(&inbox) { $0[0].preview == "I am new" }
        #expect(shown.count == 10_000)

        // By pages, and none twice.
        var (seen, count, after) = (Set<ConversationId>(), 0, PageKey?.none)
        repeat {
            let page = try await ada.inbox(limit: 500, after: after)
            seen.formUnion(page.rows.map(\.id))
            count += page.rows.count
            after = page.next
        } while after != nil
        #expect(seen.count == 10_001)
        #expect(count == 10_001)
        try await scene.close()
    }
}

/// Those that read the process's count of open lists: nothing else may follow meanwhile, so they are run by themselves.
@Suite(.serialized) struct ObserversTests {
    /// Leaving a loop, cancelling its task and closing the device each end what follows.
    @Test func observers_end_with_their_handle() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        let before = Offdesk.openLists
        for try await rows in ada.observeInbox() {
            #expect(rows.isEmpty)
            #expect(Offdesk.openLists == before + 1)
            break
        }
        try await eventually("left: nothing is left of it") { Offdesk.openLists == before }

        let cancelled = following(ada)
        try await eventually("it follows") { Offdesk.openLists == before + 1 }
        cancelled.cancel()
        try await inTime("cancelling ends it") { try await cancelled.value }
        try await eventually("cancelled: nothing is left of it") { Offdesk.openLists == before }

        let closed = following(ada)
        try await eventually("it follows") { Offdesk.openLists == before + 1 }
        try await ada.close()
        try await inTime("closing ends it") { try await closed.value }
        try await eventually("closed: nothing is left of it") { Offdesk.openLists == before }
        try await scene.close()
    }

    /// Each is made, follows, waits, and is cancelled while it waits.
    @Test func five_hundred_subscriptions_leak_nothing() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        let before = Offdesk.openLists
        let all = ProcessInfo.processInfo.environment["OFFDESK_FULL"] == nil ? 500 : 10_000
        for _ in 0..<(all / 50) {
            let told = Tally()
            let some = (0..<50).map { _ in following(ada, told) }
            try await eventually("they follow") { await told.count == 50 }
            #expect(Offdesk.openLists == before + 50)
            some.forEach { $0.cancel() }
            for one in some {
                try await inTime("it ends") { try await one.value }
            }
        }
        try await eventually("none is left") { Offdesk.openLists == before }
        try await scene.close()
    }

    private func following(_ device: Offdesk, _ told: Tally = Tally()) -> Task<Void, any Error> {
        Task {
            for try await _ in device.observeInbox() {
                await told.add()
            }
        }
    }
}

private actor Tally {
    private(set) var count = 0

    func add() {
        count += 1
    }
}

@MainActor
private final class Screen {
    var rows: [ConversationRow] = []
    var ended = false
    var following: Task<Void, Never>?

    func follow(_ offdesk: Offdesk) {
        following = Task {
            do {
                for try await rows in offdesk.observeInbox() {
                    self.rows = rows
                }
            } catch {
                Issue.record(error)
            }
            ended = true
        }
    }
}

/// Follows until the value is as wished.
private func follow<Value: Sendable>(
    _ live: inout Live<Value>.Iterator, until wish: (Value) -> Bool
) async throws -> Value {
    while let value = try await live.next() {
        if wish(value) {
            return value
        }
    }
    throw NeverCame(what: "it ended before it got there")
}
