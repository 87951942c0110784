// What the library's live lists and their steps have in common, said to the compiler.
import OffdeskBindings

extension AlertList: FollowedList {}

extension AlertStep: ListStep {
    var change: ListChange<Alert> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension ColleagueList: FollowedList {}

extension ColleagueStep: ListStep {
    var change: ListChange<Colleague> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension ContactList: FollowedList {}

extension ContactStep: ListStep {
    var change: ListChange<ContactRow> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension InboxList: FollowedList {}

extension InboxStep: ListStep {
    var change: ListChange<ConversationRow> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension MessageList: FollowedList {}

extension MessageStep: ListStep {
    var change: ListChange<Message> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension OutboxList: FollowedList {}

extension OutboxStep: ListStep {
    var change: ListChange<OutboxItem> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}

extension PanelsList: FollowedList {}

extension PanelsStep: ListStep {
    var change: ListChange<Panels> {
        switch self {
        case .reset(let items): .reset(items)
        case .insert(let index, let item): .insert(Int(index), item)
        case .update(let index, let item): .update(Int(index), item)
        case .move(let from, let to, let item): .move(from: Int(from), to: Int(to), item)
        case .remove(let index): .remove(Int(index))
        }
    }
}
