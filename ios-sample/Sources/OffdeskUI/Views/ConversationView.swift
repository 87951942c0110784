#if canImport(SwiftUI)
import OffdeskAPI
import OffdeskFake
import SwiftUI

/// One conversation: bubbles with how far each got, the field, and the panel.
struct ConversationView: View {
    @State private var model: ConversationModel
    @State private var showsPanel = false
    @State private var editing: Bubble?
    @State private var edited = ""

    init(_ desk: any Desk, conversation: String) {
        _model = State(initialValue: ConversationModel(desk, conversation: conversation))
    }

    var body: some View {
        ScrollView {
            LazyVStack(spacing: 8) {
                ForEach(model.bubbles) { bubble in
                    BubbleView(bubble)
                    if bubble.step == .held {
                        held(bubble)
                    }
                }
            }
            .padding()
        }
        .defaultScrollAnchor(.bottom)
        .safeAreaInset(edge: .bottom) { field }
        .navigationTitle(model.panel?.name ?? "")
        .toolbar {
            ToolbarItem {
                Button("Details", systemImage: "info.circle") { showsPanel = true }
            }
        }
        .sheet(isPresented: $showsPanel) { PanelView(model.panel) }
        .alert("Send instead", isPresented: Binding(get: { editing != nil }, set: { if !$0 { editing = nil } })) {
            TextField("Text", text: $edited)
            Button("Send") {
                guard let bubble = editing else { return }
                Task { await model.decide(.edit(edited), on: bubble) }
            }
            Button("Cancel", role: .cancel) {}
        }
        .task { await model.followMessages() }
        .task { await model.followPanel() }
        .failure($model.failure)
    }

    private func held(_ bubble: Bubble) -> some View {
        HStack {
            Spacer()
            Button("Send anyway") { Task { await model.decide(.send, on: bubble) } }
            Button("Edit") { (edited, editing) = (bubble.text, bubble) }
            Button("Drop", role: .destructive) { Task { await model.decide(.drop, on: bubble) } }
        }
        .font(.caption)
        .buttonStyle(.bordered)
    }

    private var field: some View {
        VStack {
            if model.sent != nil {
                HStack {
                    Text("Saved on this device")
                    Spacer()
                    Button("Undo") { Task { await model.undoSend() } }
                }
                .font(.caption)
            }
            Picker("To", selection: $model.mode) {
                Text("Reply").tag(ConversationModel.Mode.reply)
                Text("Note").tag(ConversationModel.Mode.note)
            }
            .pickerStyle(.segmented)
            HStack {
                TextField(model.mode == .reply ? "Reply" : "Note to colleagues", text: $model.text, axis: .vertical)
                    .textFieldStyle(.roundedBorder)
                Button("Send", systemImage: "arrow.up.circle.fill") { Task { await model.send() } }
                    .labelStyle(.iconOnly)
                    .disabled(!model.canSend)
            }
        }
        .padding()
        .background(.thinMaterial)
    }
}

/// One bubble, with the step that it reached.
struct BubbleView: View {
    private let bubble: Bubble

    init(_ bubble: Bubble) {
        self.bubble = bubble
    }

    var body: some View {
        HStack {
            if bubble.side != .theirs { Spacer(minLength: 40) }
            VStack(alignment: bubble.side == .theirs ? .leading : .trailing, spacing: 2) {
                if bubble.side != .theirs, let author = bubble.author {
                    Text(author).font(.caption2).foregroundStyle(.secondary)
                }
                Text(bubble.text)
                    .padding(.horizontal, 12)
                    .padding(.vertical, 8)
                    .background(background, in: RoundedRectangle(cornerRadius: 16))
                    .textSelection(.enabled)
                if let label = bubble.step.label {
                    Text(label).font(.caption2).foregroundStyle(bubble.step.isUrgent ? Color.red : Color.secondary)
                }
            }
            if bubble.side == .theirs { Spacer(minLength: 40) }
        }
    }

    private var background: Color {
        switch bubble.side {
        case .theirs: .gray.opacity(0.2)
        case .ours: .blue.opacity(0.25)
        case .note: .yellow.opacity(0.35)
        }
    }
}

/// Who it is, and what it is about.
struct PanelView: View {
    private let panel: Panel?

    init(_ panel: Panel?) {
        self.panel = panel
    }

    var body: some View {
        List {
            if let panel {
                Section("Customer") {
                    Text(panel.name).font(.headline)
                    ForEach(panel.customer) { LabeledContent($0.name, value: $0.value) }
                }
                Section("Conversation") {
                    ForEach(panel.conversation) { LabeledContent($0.name, value: $0.value) }
                }
                if !panel.others.isEmpty {
                    Section("Other conversations") {
                        ForEach(panel.others) { RowView($0) }
                    }
                }
            }
        }
        .presentationDetents([.medium, .large])
    }
}

#Preview {
    NavigationStack { ConversationView(FakeDesk(.tuesday()), conversation: "ines") }
}
#endif
