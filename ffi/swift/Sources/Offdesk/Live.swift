import OffdeskBindings

/// Something that follows the device: first its value as it is, then the value after each change.
///
/// ```swift
/// for try await rows in offdesk.observeInbox() {
///     self.rows = rows
/// }
/// ```
///
/// Each loop follows by itself, and begins when it first asks. A slow one skips what was in between. A loop ends when its task
/// is cancelled, when it is left, and when the device is closed. Nothing runs on while nobody asks.
public struct Live<Value: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Value

    let open: @Sendable () async throws -> Source

    /// Follows, one value after the other.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let open: @Sendable () async throws -> Source
        var source: Source?
        var value: Value?
        var ended = false

        /// The next value, or `nil` at the end.
        ///
        /// - Throws: ``OffdeskError/invalidId(text:)`` for an id that is none.
        public mutating func next() async throws -> Value? {
            guard !ended, !Task.isCancelled else { return finish() }
            let source: Source
            if let open = self.source {
                source = open
            } else {
                source = try await open()
                self.source = source
            }
            do {
                guard let next = try await source.next(value) else { return finish() }
                value = next
                return next
            } catch is CancellationError {
                return finish()
            }
        }

        private mutating func finish() -> Value? {
            (ended, source, value) = (true, nil, nil)
            return nil
        }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(open: open)
    }

    /// What is followed. It ends with its iterator.
    final class Source: Sendable {
        /// From the value that was to the one that is.
        let next: @Sendable (Value?) async throws -> Value?
        private let end: @Sendable () -> Void

        init(next: @escaping @Sendable (Value?) async throws -> Value?, end: @escaping @Sendable () -> Void) {
            (self.next, self.end) = (next, end)
        }

        deinit {
            end()
        }
    }
}

/// One of the library's live lists: an object that is pulled for steps.
protocol FollowedList: AnyObject, Sendable {
    associatedtype Step: ListStep
    func next() async throws -> [Step]?
    func end()
}

/// One of the library's steps, each kind of list having its own.
protocol ListStep: Sendable {
    associatedtype Item: Sendable
    var change: ListChange<Item> { get }
}

/// A step from one state of a list to the next.
enum ListChange<Item> {
    case reset([Item])
    case insert(Int, Item)
    case update(Int, Item)
    case move(from: Int, to: Int, Item)
    case remove(Int)

    func apply(to items: inout [Item]) {
        switch self {
        case .reset(let all): items = all
        case .insert(let index, let item): items.insert(item, at: index)
        case .update(let index, let item): items[index] = item
        case .move(let from, let to, let item):
            items.remove(at: from)
            items.insert(item, at: to)
        case .remove(let index): items.remove(at: index)
        }
    }
}

extension Live.Source {
    /// The items of a list, the steps applied; `shape` makes the value of them.
    convenience init<List: FollowedList>(_ list: List) where Value == [List.Step.Item] {
        self.init(
            next: { value in
                guard let steps = try await list.next() else { return nil }
                var items = value ?? []
                for step in steps {
                    step.change.apply(to: &items)
                }
                return items
            },
            end: { list.end() }
        )
    }

    /// The only item of a list, if there is one.
    convenience init<List: FollowedList>(only list: List) where Value == List.Step.Item? {
        self.init(
            next: { value in
                guard let steps = try await list.next() else { return nil }
                var items = (value ?? nil).map { [$0] } ?? []
                for step in steps {
                    step.change.apply(to: &items)
                }
                return .some(items.first)
            },
            end: { list.end() }
        )
    }
}

extension Offdesk {
    /// A live list; opening it asks the database, so that is done off the caller's thread.
    func live<List: FollowedList>(
        _ open: @escaping @Sendable (Device) throws -> List
    ) -> Live<[List.Step.Item]> {
        Live { [self] in Live.Source(try await read(open)) }
    }

    /// A live list of at most one item.
    func live<List: FollowedList>(
        only open: @escaping @Sendable (Device) throws -> List
    ) -> Live<List.Step.Item?> {
        Live { [self] in Live.Source(only: try await read(open)) }
    }
}
