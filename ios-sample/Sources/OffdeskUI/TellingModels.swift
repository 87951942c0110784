import Foundation
import Observation
import OffdeskAPI

/// What the member is told, and why.
@MainActor @Observable
public final class AlertsModel {
    public private(set) var alerts: [AlertItem] = []
    /// The sheet "why was I alerted".
    public var explanation: AlertExplanation?
    public var failure: String?

    private let desk: any Desk

    public init(_ desk: any Desk) {
        self.desk = desk
    }

    /// Follows the alerts; `shows` is told what came and what went, for the system's notifications.
    public func follow(_ shows: (_ came: [AlertItem], _ went: [String]) async -> Void = { _, _ in }) async {
        failure = await sentence {
            for try await alerts in desk.alerts() {
                let before = Set(self.alerts.map(\.id))
                let now = Set(alerts.map(\.id))
                self.alerts = alerts
                await shows(alerts.filter { !before.contains($0.id) }, before.subtracting(now).sorted())
            }
        } ?? failure
    }

    public func why(_ alert: AlertItem) async {
        failure = await sentence { explanation = try await desk.explain(alert.id) } ?? failure
    }

    public func dismiss(_ alert: AlertItem) async {
        failure = await sentence { try await desk.dismiss(alert.id) } ?? failure
    }
}

/// What has not arrived, what asks for a decision first.
@MainActor @Observable
public final class OutboxModel {
    public private(set) var asking: [OutboxEntry] = []
    public private(set) var underWay: [OutboxEntry] = []
    public var failure: String?

    private let desk: any Desk

    public init(_ desk: any Desk) {
        self.desk = desk
    }

    public func follow() async {
        failure = await sentence {
            for try await entries in desk.outbox() {
                asking = entries.filter(\.asks)
                underWay = entries.filter { !$0.asks }
            }
        } ?? failure
    }

    public func decide(_ decision: HeldDecision, on entry: OutboxEntry) async {
        guard let conversation = entry.conversation else { return }
        failure = await sentence { try await desk.decide(decision, on: entry.id, in: conversation) } ?? failure
    }

    public func retry(_ entry: OutboxEntry) async {
        failure = await sentence { try await desk.retry(entry.id) } ?? failure
    }

    public func discard(_ entry: OutboxEntry) async {
        failure = await sentence { try await desk.discard(entry.id) } ?? failure
    }
}

extension OutboxEntry {
    /// Whether its author has to decide something.
    public var asks: Bool {
        switch state {
        case .held, .needsAttention: true
        default: false
        }
    }

    /// What stands under it.
    public var label: String {
        switch state {
        case .saved: "Saved on this device"
        case .sending: "Sending"
        case .waiting: "Waits for the conversation that a colleague started"
        case .scheduled(let at): "Leaves \(at.formatted(date: .abbreviated, time: .shortened))"
        case .held(let text): text.map { "Held, because this came first: “\($0)”" } ?? "Held: a newer message came first"
        case .needsAttention(let reason): reason
        }
    }
}
