import Foundation
import Offdesk
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A customer.
let maria = "+14155550123"

/// A world of the stage: a workspace with a real relay, an SMS provider and a network that can be cut.
actor Scene {
    /// Where its relay is, through that network.
    nonisolated let relay: String
    private nonisolated let world: String
    nonisolated let folder: URL
    private var devices: [Offdesk] = []

    static func open(staleAfterMs: Int? = nil) async throws -> Scene {
        let opened: Opened = try await Stage.tell("/worlds", Settings(stale_after_ms: staleAfterMs))
        return try Scene(opened)
    }

    private init(_ opened: Opened) throws {
        (relay, world) = (opened.relay, "/worlds/\(opened.world)")
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("offdesk-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func person(_ name: String, _ level: String) async throws -> String {
        let added: Added = try await Stage.tell("\(world)/people", Newcomer(name: name, level: level))
        return added.member
    }

    func setLevel(_ member: String, _ level: String) async throws {
        try await Stage.do("\(world)/levels", Level(member: member, level: level))
    }

    func code(_ member: String) async throws -> String {
        let code: Code = try await Stage.tell("\(world)/codes", Added(member: member))
        return code.code
    }

    func inbound(_ from: String, _ text: String) async throws {
        try await Stage.do("\(world)/inbound", Texted(from: from, text: text))
    }

    func network(up: Bool) async throws {
        try await Stage.do("\(world)/network", Cable(up: up))
    }

    func revoke(_ device: String) async throws {
        try await Stage.do("\(world)/revoke", Revoked(device: device))
    }

    func fill(_ conversations: Int) async throws {
        try await Stage.do("\(world)/fill", Filled(conversations: conversations))
    }

    /// What customers got.
    func sent() async throws -> [String] {
        let sent: [Sent] = try await Stage.ask("\(world)/sent")
        return sent.map(\.text)
    }

    nonisolated func database(_ name: String) -> URL {
        folder.appendingPathComponent(name)
    }

    nonisolated func configuration(_ name: String, key: Data = Data(repeating: 9, count: 32)) -> Configuration {
        Configuration(database: database(name), key: key, undoWindow: .zero)
    }

    /// Enrols a device for a new member of this name.
    func enrol(_ name: String, _ level: String = "agent") async throws -> Offdesk {
        try await enrol(member: person(name, level), name)
    }

    func enrol(member: String, _ name: String) async throws -> Offdesk {
        let code = try await code(member)
        let device = try await Offdesk.enrol(configuration(name), relay: relay, code: code, deviceName: name)
        devices.append(device)
        return device
    }

    /// Opens a device that was closed.
    func reopen(_ name: String) async throws -> Offdesk {
        let device = try await Offdesk.open(configuration(name))
        devices.append(device)
        return device
    }

    /// Closes what the scene has opened. Each scene ends so: SQLCipher tears itself down when the process exits, under whatever
    /// still runs.
    func close() async throws {
        for device in devices {
            try await device.close()
        }
    }

    /// Enrols, starts and waits until everything is here.
    func live(_ name: String, _ level: String = "agent") async throws -> Offdesk {
        let device = try await enrol(name, level)
        try await device.start()
        try await isLive(device)
        return device
    }
}

/// Waits until something is so, and fails with its words if it never is.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(60), at place: SourceLocation = #_sourceLocation,
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let until = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < until else {
            Issue.record(what, sourceLocation: place)
            throw NeverCame(what: what.rawValue)
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Something that was waited for and did not come.
struct NeverCame: Error {
    let what: String
}

/// Waits until work has ended, and fails if it doesn't.
func inTime<T: Sendable>(
    _ what: Comment, at place: SourceLocation = #_sourceLocation, _ work: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: .seconds(60))
            return nil
        }
        let first = try await group.next() ?? nil
        group.cancelAll()
        guard let first else {
            Issue.record(what, sourceLocation: place)
            throw NeverCame(what: what.rawValue)
        }
        return first
    }
}

func isLive(_ device: Offdesk) async throws {
    try await eventually("it is live") { device.status.connection == .live && device.status.pending == 0 }
}

/// The only conversation, once it is here.
func theConversation(_ device: Offdesk) async throws -> ConversationId {
    try await eventually("a conversation is here") { try await device.inbox().rows.count == 1 }
    return try await #require(device.inbox().rows.first).id
}

/// Speaks to the process that plays the world's other parts.
enum Stage {
    static func tell<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: try await send(path, JSONEncoder().encode(body)))
    }

    static func `do`(_ path: String, _ body: some Encodable) async throws {
        _ = try await send(path, JSONEncoder().encode(body))
    }

    static func ask<Answer: Decodable>(_ path: String) async throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: try await send(path, nil))
    }

    private static func send(_ path: String, _ body: Data?) async throws -> Data {
        let stage = try #require(
            ProcessInfo.processInfo.environment["OFFDESK_STAGE"],
            "there is no stage: these tests are run by tests/swift/run"
        )
        var request = URLRequest(url: try #require(URL(string: stage + path)))
        request.httpMethod = body == nil ? "GET" : "POST"
        request.httpBody = body
        request.timeoutInterval = 120
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (answer, response) = try await session.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else {
            throw Refused(path: path, status: status, answer: String(decoding: answer, as: UTF8.self))
        }
        return answer
    }

    private static let session = URLSession(configuration: .ephemeral)

    struct Refused: Error {
        let path: String
        let status: Int
        let answer: String
    }
}

private struct Settings: Encodable { let stale_after_ms: Int? }
private struct Opened: Decodable { let world, relay: String }
private struct Newcomer: Encodable { let name, level: String }
private struct Added: Codable { let member: String }
private struct Level: Encodable { let member, level: String }
private struct Code: Decodable { let code: String }
private struct Texted: Encodable { let from, text: String }
private struct Cable: Encodable { let up: Bool }
private struct Revoked: Encodable { let device: String }
private struct Filled: Encodable { let conversations: Int }
private struct Sent: Decodable { let to, text: String }
