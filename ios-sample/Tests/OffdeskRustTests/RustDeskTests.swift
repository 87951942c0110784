import Foundation
import OffdeskAPI
import OffdeskRust
import OffdeskUI
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The screens' models over the library, against a real relay: the stage that `tests/swift/run` starts.
@MainActor struct RustDeskTests {
    @Test func a_morning_on_the_phone() async throws {
        let world = try await World()
        let maker = RustDeskMaker(folder: world.folder, keys: FixedKey())
        let app = AppModel(maker)
        await app.open()
        guard case .enrolling = app.phase else {
            Issue.record("\(app.phase)")
            return
        }
        await app.enrol(relay: world.relay, code: try await world.code(), deviceName: "Ada's phone")
        #expect(app.failure == nil)
        let desk = try #require(app.desk)
        let (inbox, alerts, outbox) = (InboxModel(desk), AlertsModel(desk), OutboxModel(desk))
        let following = [
            Task { await inbox.followRows() }, Task { await inbox.followStatus() }, Task { await alerts.follow() },
            Task { await outbox.follow() },
        ]
        defer { following.forEach { $0.cancel() } }
        try await until("it is up to date") { inbox.status.text == "Up to date" }
        try await until("and knows whose it is") { inbox.me?.name == "Ada" && inbox.hasToggle }

        try await world.inbound("Is my order ready?")
        try await until("the customer's message shows") { inbox.rows.first?.preview == "Is my order ready?" }
        #expect(inbox.rows[0].unread && inbox.rows[0].needsReply)
        try await until("and alerts") { alerts.alerts.count == 1 }
        await alerts.why(alerts.alerts[0])
        #expect(alerts.explanation?.rule == "R12")

        try await desk.setNetwork(online: false)
        let conversation = ConversationModel(desk, conversation: inbox.rows[0].id)
        let reading = Task { await conversation.followMessages() }
        defer { reading.cancel() }
        try await until("it is open") { conversation.bubbles.count == 1 }
        try await until("and read") { inbox.rows.first?.unread == false }
        conversation.text = "Yes, come by!"
        await conversation.leave()
        #expect(try await desk.draft(in: conversation.id) == "Yes, come by!")
        await conversation.send()
        try await until("it shows as saved") { conversation.bubbles.last?.step == .saved }
        #expect(conversation.bubbles.last?.author == "Ada")
        try await until("and waits") { outbox.underWay.map(\.text) == ["Yes, come by!"] }
        try await until("the line says so") { inbox.status.text == "Offline · 1 waits to be sent" }
        await conversation.undoSend()
        try await until("it can be taken back") { conversation.bubbles.count == 1 && conversation.text == "Yes, come by!" }
        await conversation.send()
        await inbox.take(inbox.rows[0])
        try await until("the conversation is Ada's") { inbox.rows.first?.assignees == ["Ada"] }

        try await desk.setNetwork(online: true)
        try await until("it is delivered") { conversation.bubbles.last?.step == .delivered }
        #expect(try await world.sent() == ["Yes, come by!"])
        let panel = Task { await conversation.followPanel() }
        defer { panel.cancel() }
        try await until("the panel shows whose it is") {
            conversation.panel?.conversation.contains(Panel.Fact("Assigned", "Ada")) == true
        }
        try await until("nothing alerts any more") { alerts.alerts.isEmpty }

        await app.willSuspend()
        try await world.inbound("And on Sunday?")
        let told = try await NotificationPull(maker).alerts(deadline: .seconds(30))
        #expect(told.show.map(\.text) == ["And on Sunday?"], "the extension tells, beside the app")
        #expect(told.badge == 1)
        await inbox.close(inbox.rows[0])
        #expect(inbox.failure == "this device is paused: resume it first")
        #expect(await app.refresh())
        await app.becameActive()
        try await until("the app has it too") { inbox.rows.first?.preview == "And on Sunday?" }
        await inbox.close(inbox.rows[0])
        try await until("it is closed") { inbox.rows.isEmpty }
        #expect([app.failure, conversation.failure, alerts.failure, outbox.failure].allSatisfy { $0 == nil })

        inbox.typed = "0123"
        await inbox.search()
        #expect(inbox.hits.first?.phones == ["+14155550123"])
        #expect(await desk.diagnostics().contains("protocol"))
        // Nothing may be open when the process ends: SQLCipher tears itself down then.
        following.forEach { $0.cancel() }
        await app.willSuspend()
    }

    /// What the library refuses reaches the screens as a sentence.
    @Test func a_wrong_code_is_told() async throws {
        let world = try await World()
        let app = AppModel(RustDeskMaker(folder: world.folder, keys: FixedKey()))
        await app.open()
        await app.enrol(relay: world.relay, code: "WRONG", deviceName: "Ada's phone")
        #expect(app.failure?.isEmpty == false)
        #expect(app.desk == nil)
        await app.enrol(relay: "no address", code: "WRONG", deviceName: "Ada's phone")
        #expect(app.failure?.contains("https://relay.example.com") == true)
    }

    private func until(
        _ what: Comment, at place: SourceLocation = #_sourceLocation, _ condition: () -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < end else {
                Issue.record(what, sourceLocation: place)
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

private struct FixedKey: KeyStore {
    func databaseKey() -> Data { Data(repeating: 7, count: 32) }
}

/// A workspace of the stage with one member, Ada.
private final class World: Sendable {
    let relay: String
    let folder: URL
    private let path: String
    private let ada: String

    init() async throws {
        let opened = try await Self.tell("/worlds", [:])
        relay = try #require(opened["relay"])
        path = "/worlds/\(try #require(opened["world"]))"
        ada = try #require(try await Self.tell("\(path)/people", ["name": "Ada", "level": "agent"])["member"])
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("offdesk-sample-\(UUID())")
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func code() async throws -> String {
        try #require(try await Self.tell("\(path)/codes", ["member": ada])["code"])
    }

    func inbound(_ text: String) async throws {
        _ = try await Self.tell("\(path)/inbound", ["from": "+14155550123", "text": text])
    }

    func sent() async throws -> [String] {
        let answer = try await Self.send("\(path)/sent", nil)
        return try JSONDecoder().decode([[String: String]].self, from: answer).compactMap { $0["text"] }
    }

    private static func tell(_ path: String, _ body: [String: String]) async throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: try await send(path, JSONEncoder().encode(body)))
    }

    private static func send(_ path: String, _ body: Data?) async throws -> Data {
        let stage = try #require(ProcessInfo.processInfo.environment["OFFDESK_STAGE"], "tests/swift/run starts the stage")
        var request = URLRequest(url: try #require(URL(string: stage + path)))
        request.httpMethod = body == nil ? "GET" : "POST"
        request.httpBody = body
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (answer, response) = try await URLSession.shared.data(for: request)
        try #require((response as? HTTPURLResponse)?.statusCode == 200, "\(path): \(String(decoding: answer, as: UTF8.self))")
        return answer
    }
}
