#if canImport(SwiftUI)
import OffdeskAPI
import SwiftUI

/// The alerts that show, each with its "why".
struct AlertsView: View {
    @Bindable private var model: AlertsModel
    private let open: (String) -> Void

    init(_ model: AlertsModel, open: @escaping (String) -> Void) {
        (self.model, self.open) = (model, open)
    }

    var body: some View {
        List(model.alerts) { alert in
            Button {
                open(alert.conversation)
            } label: {
                VStack(alignment: .leading) {
                    Text(alert.title).font(.headline)
                    Text(alert.text).lineLimit(2)
                    Text(alert.at, style: .relative).font(.caption).foregroundStyle(.secondary)
                }
            }
            .swipeActions {
                Button("Dismiss", systemImage: "xmark") { Task { await model.dismiss(alert) } }
                Button("Why?", systemImage: "questionmark") { Task { await model.why(alert) } }
                    .tint(.orange)
            }
        }
        .overlay {
            if model.alerts.isEmpty {
                ContentUnavailableView("Nothing to tell", systemImage: "bell.slash")
            }
        }
        .navigationTitle("Alerts")
        .sheet(isPresented: Binding(get: { model.explanation != nil }, set: { if !$0 { model.explanation = nil } })) {
            if let explanation = model.explanation {
                ExplanationView(explanation)
            }
        }
        .failure($model.failure)
    }
}

/// "Why was I alerted": the rule, what happened, and the facts.
struct ExplanationView: View {
    private let explanation: AlertExplanation

    init(_ explanation: AlertExplanation) {
        self.explanation = explanation
    }

    var body: some View {
        List {
            Section("Why was I alerted?") {
                ForEach(explanation.sentences, id: \.self) { Text($0) }
            }
            Section("Rule \(explanation.rule)") {
                ForEach(explanation.facts) { LabeledContent($0.name, value: $0.value) }
            }
        }
        .presentationDetents([.medium, .large])
    }
}

/// What has not arrived: first what asks for a decision.
struct OutboxView: View {
    @Bindable private var model: OutboxModel
    private let open: (String) -> Void

    init(_ model: OutboxModel, open: @escaping (String) -> Void) {
        (self.model, self.open) = (model, open)
    }

    var body: some View {
        List {
            if !model.asking.isEmpty {
                Section("Needs your decision") {
                    ForEach(model.asking) { entry in
                        VStack(alignment: .leading) {
                            EntryView(entry)
                            decisions(entry)
                        }
                    }
                }
            }
            if !model.underWay.isEmpty {
                Section("Under way") {
                    ForEach(model.underWay) { entry in
                        Button { entry.conversation.map(open) } label: { EntryView(entry) }
                    }
                }
            }
        }
        .overlay {
            if model.asking.isEmpty && model.underWay.isEmpty {
                ContentUnavailableView("Everything has arrived", systemImage: "checkmark.circle")
            }
        }
        .navigationTitle("Outbox")
        .failure($model.failure)
    }

    @ViewBuilder
    private func decisions(_ entry: OutboxEntry) -> some View {
        HStack {
            if case .held = entry.state {
                Button("Send anyway") { Task { await model.decide(.send, on: entry) } }
                Button("Drop", role: .destructive) { Task { await model.decide(.drop, on: entry) } }
            } else {
                Button("Try again") { Task { await model.retry(entry) } }
                Button("Discard", role: .destructive) { Task { await model.discard(entry) } }
            }
        }
        .font(.caption)
        .buttonStyle(.bordered)
    }
}

struct EntryView: View {
    private let entry: OutboxEntry

    init(_ entry: OutboxEntry) {
        self.entry = entry
    }

    var body: some View {
        VStack(alignment: .leading) {
            Text(entry.title).font(.headline)
            if let text = entry.text {
                Text(text).lineLimit(2)
            }
            Text(entry.label).font(.caption).foregroundStyle(entry.asks ? Color.red : Color.secondary)
        }
    }
}

/// Who this is, how sync stands, and what support needs.
struct SettingsView: View {
    @State private var model: SettingsModel

    init(_ desk: any Desk) {
        _model = State(initialValue: SettingsModel(desk))
    }

    var body: some View {
        List {
            Section("You") {
                LabeledContent("Name", value: model.me?.name ?? "")
            }
            Section("Sync") {
                LabeledContent("State", value: StatusLine(model.state).text)
                LabeledContent("Waits to be sent", value: "\(model.state.pending)")
                if let error = model.state.lastError {
                    Text(error).font(.caption).foregroundStyle(.secondary)
                }
            }
            Section {
                if model.diagnostics.isEmpty {
                    Button("Collect diagnostics") { Task { await model.collectDiagnostics() } }
                } else {
                    ShareLink(item: model.diagnostics)
                }
            } footer: {
                Text("Versions, counts and times: nothing that anybody wrote, and nobody's name or phone.")
            }
        }
        .navigationTitle("Settings")
        .task { await model.follow() }
        .failure($model.failure)
    }
}
#endif
