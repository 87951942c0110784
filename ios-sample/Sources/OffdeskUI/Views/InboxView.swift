#if canImport(SwiftUI)
import OffdeskAPI
import SwiftUI

/// The list of conversations, with filters, toggle, search and swipes.
struct InboxView: View {
    @Bindable private var model: InboxModel

    init(_ model: InboxModel) {
        self.model = model
    }

    var body: some View {
        List {
            if model.typed.isEmpty {
                Section {
                    ForEach(model.rows) { row in
                        NavigationLink(value: row.id) { RowView(row) }
                            .swipeActions(edge: .trailing) { trailing(row) }
                            .swipeActions(edge: .leading) { leading(row) }
                    }
                } header: {
                    Text(model.status.text)
                        .foregroundStyle(model.status.urgent ? Color.red : Color.secondary)
                }
            } else {
                ForEach(model.hits) { hit in
                    Section(hit.name) {
                        ForEach(hit.conversations) { row in NavigationLink(value: row.id) { RowView(row) } }
                    }
                }
            }
        }
        .overlay {
            if model.rows.isEmpty && model.typed.isEmpty {
                ContentUnavailableView("Nothing here", systemImage: "tray")
            }
        }
        .navigationTitle("Inbox")
        .searchable(text: $model.typed, prompt: "Name or phone")
        .toolbar {
            if model.hasToggle {
                ToolbarItem {
                    Toggle("Mine", isOn: $model.query.mine)
                }
            }
            ToolbarItem {
                Picker("Filter", selection: $model.query.filter) {
                    ForEach(InboxQuery.Filter.allCases, id: \.self) { Text($0.title) }
                }
            }
        }
        .safeAreaInset(edge: .bottom) { undoBar }
        .task(id: model.query) { await model.followRows() }
        .task(id: model.typed) { await model.search() }
        .failure($model.failure)
    }

    @ViewBuilder
    private func trailing(_ row: InboxRow) -> some View {
        if row.closed {
            Button("Open", systemImage: "tray.and.arrow.up") { Task { await model.reopen(row) } }
        } else {
            Button("Close", systemImage: "checkmark") { Task { await model.close(row) } }
                .tint(.green)
            Button("Tomorrow", systemImage: "moon") { Task { await model.snooze(row, until: .now + 86_400) } }
                .tint(.indigo)
        }
    }

    @ViewBuilder
    private func leading(_ row: InboxRow) -> some View {
        Button("Take", systemImage: "person.badge.plus") { Task { await model.take(row) } }
            .tint(.blue)
        Button("Unread", systemImage: "envelope.badge") { Task { await model.markUnread(row) } }
    }

    @ViewBuilder
    private var undoBar: some View {
        if let done = model.done {
            HStack {
                Text(done.said)
                Spacer()
                Button("Undo") { Task { await model.undo() } }
            }
            .padding()
            .background(.thinMaterial)
            .task(id: done.said) {
                try? await Task.sleep(for: .seconds(5))
                model.forgetDone()
            }
        }
    }
}

/// One conversation in a list.
struct RowView: View {
    private let row: InboxRow

    init(_ row: InboxRow) {
        self.row = row
    }

    var body: some View {
        VStack(alignment: .leading, spacing: 2) {
            HStack {
                if row.unread {
                    Circle().fill(.blue).frame(width: 8, height: 8).accessibilityLabel("Unread")
                }
                Text(row.title).fontWeight(row.unread ? .semibold : .regular)
                Spacer()
                Text(row.at, style: .relative).font(.caption).foregroundStyle(.secondary)
            }
            HStack {
                if row.draft {
                    Text("Draft").foregroundStyle(.red)
                }
                Text(row.preview).lineLimit(1).foregroundStyle(.secondary)
            }
            .font(.subheadline)
            HStack(spacing: 6) {
                ForEach(row.assignees, id: \.self) { Label($0, systemImage: "person") }
                ForEach(row.tags, id: \.self) { Text("#\($0)") }
                if row.pending > 0 {
                    Image(systemName: "clock").accessibilityLabel("Waits to be sent")
                }
                if row.held > 0 {
                    Image(systemName: "hand.raised").accessibilityLabel("Held")
                }
            }
            .font(.caption)
            .foregroundStyle(.secondary)
        }
    }
}

extension InboxQuery.Filter {
    var title: String {
        switch self {
        case .open: "Open"
        case .unread: "Unread"
        case .needsReply: "Needs reply"
        case .snoozed: "Resting"
        case .closed: "Closed"
        }
    }
}

extension View {
    /// Shows a sentence of the library until it is dismissed.
    func failure(_ sentence: Binding<String?>) -> some View {
        alert(
            "That did not work",
            isPresented: Binding(get: { sentence.wrappedValue != nil }, set: { if !$0 { sentence.wrappedValue = nil } })
        ) {
            Button("OK") { sentence.wrappedValue = nil }
        } message: {
            Text(sentence.wrappedValue ?? "")
        }
    }
}
#endif
