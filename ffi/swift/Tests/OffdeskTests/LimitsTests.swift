import Foundation
import Offdesk
import Testing

/// What is not as it should be: arguments, closed and paused devices, everything at once.
struct LimitsTests {
    @Test func bad_arguments_are_typed_errors() async throws {
        let scene = try await Scene.open()
        let short = scene.configuration("Ada", key: Data(repeating: 1, count: 31))
        await #expect(throws: OffdeskError.invalidKey(bytes: 31)) { try await Offdesk.open(short) }
        let ada = try await scene.live("Ada")
        let other = scene.configuration("Ada", key: Data(repeating: 1, count: 32))
        await #expect(throws: OffdeskError.wrongKey) { try await Offdesk.open(other) }
        await failsWith({ if case .invalidRelay = $0 { true } else { false } }) {
            try await Offdesk.enrol(scene.configuration("Ben"), relay: "not an address", code: "C", deviceName: "Ben")
        }
        await failsWith({ if case .offline = $0 { true } else { false } }) {
            try await Offdesk.enrol(scene.configuration("Ben"), relay: "http://127.0.0.1:9", code: "C", deviceName: "Ben")
        }

        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        for empty in ["", " \n\t"] {
            await #expect(throws: OffdeskError.emptyText) { try await ada.reply(to: conversation, text: empty) }
        }
        await failsWith({ if case .textTooLong(bytes: 1 << 20, limit: _) = $0 { true } else { false } }) {
            try await ada.reply(to: conversation, text: String(repeating: "x", count: 1 << 20))
        }
        let gone = ConversationId("00000000000000000000000001")
        let notHere = OffdeskError.notFound(thing: "conversation", id: gone.text)
        await #expect(throws: notHere) { try await ada.reply(to: gone, text: "Hi") }
        await #expect(throws: notHere) { try await ada.conversation(gone) }
        await #expect(throws: OffdeskError.invalidId(text: "x")) { try await ada.conversation(ConversationId("x")) }
        await #expect(throws: OffdeskError.invalidId(text: "")) {
            for try await _ in ada.observeMessages(of: ConversationId("")) {}
        }
        let stranger = MemberId("00000000000000000000000002")
        await #expect(throws: OffdeskError.notFound(thing: "member", id: stranger.text)) {
            try await ada.note(in: conversation, text: "Hi", mentions: [stranger])
        }
        let intent = IntentId("00000000000000000000000003")
        await #expect(throws: OffdeskError.notFound(thing: "intent", id: intent.text)) { try await ada.undo(intent) }
        await failsWith({ if case .invalidPhone = $0 { true } else { false } }) {
            try await ada.createContact(NewContact(phones: ["12"]))
        }
        let never = QuietHours(zone: "Europe/Berlin", spans: [QuietSpan(days: [1], from: "25:00", to: "7:00")])
        await failsWith({ if case .invalidValue = $0 { true } else { false } }) {
            try await ada.setQuietHours(never)
        }
        // What `Date` and `Duration` can hold and no clock shows: traps in the border, were they not caught before it.
        for at in [Date(timeIntervalSince1970: 0), .distantPast, .distantFuture, Date(timeIntervalSince1970: .infinity),
            Date(timeIntervalSince1970: .nan), Date(timeIntervalSince1970: -1e300)]
        {
            await failsWith({ if case .invalidTime = $0 { true } else { false } }) {
                try await ada.replyLater(to: conversation, text: "Hi", at: at)
            }
        }
        await failsWith({ if case .invalidTime = $0 { true } else { false } }) {
            try await ada.onEach([conversation], .snooze(until: Date(timeIntervalSince1970: .nan)))
        }
        await #expect(throws: OffdeskError.self) { try await ada.syncOnce(deadline: .seconds(-1)) }
        #expect(try await ada.inbox(limit: -1).rows.isEmpty)
        #expect(try await ada.outbox().isEmpty, "none of it was written")
        try await scene.close()
    }

    @Test func calls_on_a_closed_device_are_typed_errors() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        try await ada.close()
        try await ada.close()
        await #expect(throws: OffdeskError.closed) { try await ada.inbox() }
        await #expect(throws: OffdeskError.closed) { try await ada.reply(to: conversation, text: "Hi") }
        await #expect(throws: OffdeskError.closed) { try await ada.syncOnce(deadline: .seconds(1)) }
        try await ada.start()
        try await ada.resume()
        await #expect(throws: OffdeskError.closed) { try await ada.counts() }
        try await inTime("a list of a closed device ends") {
            for try await rows in ada.observeInbox() {
                #expect(rows.isEmpty)
            }
        }
        #expect(await ada.diagnostics().contains("\"closed\""))
        try await scene.close()
    }

    /// Whatever runs while a device is closed ends with an answer or a typed error, and the file is whole.
    @Test func concurrent_close_is_safe() async throws {
        let scene = try await Scene.open()
        var ada = try await scene.live("Ada")
        try await scene.inbound(maria, "Hello?")
        let conversation = try await theConversation(ada)
        let device = ada
        let written = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask { try await work(device, conversation, writes: worker.isMultiple(of: 2)) }
            }
            try await eventually("they are at it") { try await device.inbox().rows[0].preview != "Hello?" }
            async let one: Void = device.close()
            async let other: Void = device.close()
            _ = try await (one, other)
            return try await group.reduce(0, +)
        }
        ada = try await scene.reopen("Ada")
        let messages = try await ada.conversation(conversation).messages
        #expect(messages.count == written + 1, "what returned is there")
        try await scene.close()
    }

    /// Writes or reads until the device is closed, and answers how much was written.
    private func work(_ device: Offdesk, _ conversation: ConversationId, writes: Bool) async throws -> Int {
        var written = 0
        while true {
            do {
                if writes {
                    try await device.note(in: conversation, text: "note \(written)")
                    written += 1
                } else {
                    _ = try await device.inbox()
                }
            } catch OffdeskError.closed {
                return written
            }
        }
    }

    /// A paused device holds no file and answers so; resumed it goes on where it was. Both are carried out even by a task
    /// that was cancelled, as a background task is when its time is over.
    @Test func pause_lets_go_and_resume_goes_on() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.live("Ada")
        let suspending = Task {
            while !Task.isCancelled { await Task.yield() }
            try await ada.pause()
        }
        suspending.cancel()
        try await suspending.value
        await #expect(throws: OffdeskError.paused) { try await ada.counts() }
        #expect(!FileManager.default.fileExists(atPath: scene.database("Ada").path + "-wal"), "no connection is open")
        try await scene.inbound(maria, "Hello?")
        try await ada.resume()
        _ = try await theConversation(ada)
        try await isLive(ada)
        try await scene.close()
    }

    /// A key is in no text that an app may log.
    @Test func a_configuration_does_not_tell_its_key() {
        let key = Data("a key of thirty-two bytes, secret".utf8.prefix(32))
        let configuration = Configuration(database: URL(fileURLWithPath: "/var/ada.db"), key: key)
        #expect("\(configuration)" == "Configuration(database: /var/ada.db)")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(dumped.contains("ada.db") && !dumped.contains("key") && !dumped.contains("32 bytes"))
    }
}

/// Expects an error of the library with fields that can't be told beforehand.
private func failsWith<T>(
    _ expected: (OffdeskError) -> Bool, at place: SourceLocation = #_sourceLocation, _ work: () async throws -> T
) async {
    do {
        _ = try await work()
        Issue.record("it did not fail", sourceLocation: place)
    } catch {
        let known = (error as? OffdeskError).map(expected) ?? false
        #expect(known, "it failed otherwise: \(error)", sourceLocation: place)
        #expect(!error.localizedDescription.isEmpty, sourceLocation: place)
    }
}
