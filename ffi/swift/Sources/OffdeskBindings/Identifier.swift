/// The id of a `Thing`, such as a conversation or a member. Ids come from lists and views; one of a conversation can't be
/// taken for one of a member.
///
/// Its ``text`` is what a deep link or a notification's payload carries. A text that is no id makes the call that it is
/// given to fail with ``OffdeskError/invalidId(text:)``.
public struct Identifier<Thing>: Hashable, Sendable {
    /// The id as text.
    public let text: String

    /// An id from its text.
    public init(_ text: String) {
        self.text = text
    }
}

extension Identifier: CustomStringConvertible {
    public var description: String { text }
}

extension Identifier: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
