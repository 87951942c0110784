import Foundation
import Observation
import OffdeskAPI

/// One conversation: its bubbles, the draft, notes, held replies, and the panel.
@MainActor @Observable
public final class ConversationModel {
    /// Who reads what is written.
    public enum Mode: Hashable, Sendable {
        case reply, note
    }

    public let id: String
    public var mode = Mode.reply
    /// What is in the field. Every keystroke is kept.
    public var text = "" {
        didSet { if text != oldValue { keepDraft() } }
    }
    public private(set) var bubbles: [Bubble] = []
    public private(set) var panel: Panel?
    /// The last reply, while it can be taken back.
    public private(set) var sent: Undoable?
    public var failure: String?

    private let desk: any Desk
    private var keeping: Task<Void, Never>?
    private var restored = false

    public init(_ desk: any Desk, conversation: String) {
        (self.desk, id) = (desk, conversation)
    }

    public var canSend: Bool { !text.allSatisfy(\.isWhitespace) }

    /// Restores the draft and follows the messages. What comes while the conversation is open is read.
    public func followMessages() async {
        await failing {
            if !restored {
                let draft = try await desk.draft(in: id)
                restored = true
                if text.isEmpty {
                    text = draft
                }
            }
            for try await bubbles in desk.messages(of: id) {
                let news = bubbles.last?.id != self.bubbles.last?.id
                self.bubbles = bubbles
                if news {
                    // In the background it may fail, the device being paused: then it is read with the next message.
                    try? await desk.markRead(id)
                }
            }
        }
    }

    public func followPanel() async {
        await failing {
            for try await panel in desk.panel(of: id) {
                self.panel = panel
            }
        }
    }

    /// Sends what was written. The text stays in the field if that fails.
    public func send() async {
        guard canSend else { return }
        let (text, mode) = (text, mode)
        await failing {
            switch mode {
            case .reply: sent = try await desk.reply(to: id, text: text)
            case .note: try await desk.note(in: id, text: text)
            }
            self.text = ""
        }
    }

    /// Takes the last reply back, and its text into the field.
    public func undoSend() async {
        guard let sent else { return }
        self.sent = nil
        let text = bubbles.last { $0.side == .ours }?.text ?? ""
        await failing {
            try await desk.undo(sent)
            if self.text.isEmpty {
                self.text = text
            }
        }
    }

    public func decide(_ decision: HeldDecision, on bubble: Bubble) async {
        await failing { try await desk.decide(decision, on: bubble.id, in: id) }
    }

    /// Waits until the last keystroke is kept, for a screen that goes.
    public func leave() async {
        await keeping?.value
    }

    // One after the other, so that an older text can't land on a newer one.
    private func keepDraft() {
        let (before, text) = (keeping, text)
        keeping = Task { [desk, id, weak self] in
            await before?.value
            guard self?.text ?? text == text else { return }
            if let failed = await sentence(of: { try await desk.setDraft(text, in: id) }) {
                self?.failure = failed
            }
        }
    }

    private func failing(_ work: () async throws -> Void) async {
        failure = await sentence(of: work) ?? failure
    }
}

extension Bubble.Step {
    /// What stands under a bubble.
    public var label: String? {
        switch self {
        case .none: nil
        case .saved: "Saved on this device"
        case .accepted: "Sending"
        case .scheduled(let at): "Leaves \(at.formatted(date: .abbreviated, time: .shortened))"
        case .held: "Held: a newer message came first"
        case .handedOver, .sent: "Sent"
        case .delivered: "Delivered"
        case .dropped: "Dropped"
        case .unknown: "Perhaps sent: the provider can't tell"
        case .failed(let reason): "Not delivered: \(reason)"
        }
    }

    /// Whether its author has to do something.
    public var isUrgent: Bool {
        switch self {
        case .held, .failed, .unknown: true
        default: false
        }
    }
}
