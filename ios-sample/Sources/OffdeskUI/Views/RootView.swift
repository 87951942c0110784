#if canImport(SwiftUI)
import OffdeskAPI
import OffdeskFake
import SwiftUI

/// The app's first screen: what is there to be seen in each phase.
public struct RootView: View {
    @Bindable private var app: AppModel

    public init(_ app: AppModel) {
        self.app = app
    }

    public var body: some View {
        switch app.phase {
        case .opening: ProgressView().task { await app.open() }
        case .enrolling: EnrolView(app)
        case .failed(let sentence): ContentUnavailableView("Can't open", systemImage: "lock", description: Text(sentence))
        case .ready(let desk): DeskView(desk, opened: $app.opened)
        }
    }
}

/// The tabs of an enrolled device.
struct DeskView: View {
    private enum Place: Hashable {
        case inbox, alerts, outbox, settings
    }

    private let desk: any Desk
    @Binding private var opened: String?
    @State private var place = Place.inbox
    @State private var path: [String] = []
    @State private var inbox: InboxModel
    @State private var alerts: AlertsModel
    @State private var outbox: OutboxModel

    init(_ desk: any Desk, opened: Binding<String?>) {
        self.desk = desk
        _opened = opened
        _inbox = State(initialValue: InboxModel(desk))
        _alerts = State(initialValue: AlertsModel(desk))
        _outbox = State(initialValue: OutboxModel(desk))
    }

    var body: some View {
        TabView(selection: $place) {
            NavigationStack(path: $path) {
                InboxView(inbox)
                    .navigationDestination(for: String.self) { ConversationView(desk, conversation: $0) }
            }
            .tabItem { Label("Inbox", systemImage: "tray") }
            .tag(Place.inbox)
            NavigationStack { AlertsView(alerts, open: show) }
                .tabItem { Label("Alerts", systemImage: "bell") }
                .badge(alerts.alerts.count)
                .tag(Place.alerts)
            NavigationStack { OutboxView(outbox, open: show) }
                .tabItem { Label("Outbox", systemImage: "paperplane") }
                .badge(outbox.asking.count)
                .tag(Place.outbox)
            NavigationStack { SettingsView(desk) }
                .tabItem { Label("Settings", systemImage: "gear") }
                .tag(Place.settings)
        }
        .task { await inbox.followStatus() }
        .task { await alerts.follow() }
        .task { await outbox.follow() }
        .onChange(of: opened, initial: true) { _, conversation in
            if let conversation {
                show(conversation)
                opened = nil
            }
        }
    }

    private func show(_ conversation: String) {
        place = .inbox
        path = [conversation]
    }
}

/// Where a code from an administrator, or from another device, is typed.
struct EnrolView: View {
    private let app: AppModel
    @State private var relay = "https://"
    @State private var code = ""

    init(_ app: AppModel) {
        self.app = app
    }

    var body: some View {
        Form {
            Section {
                TextField("Relay", text: $relay)
                    .autocorrectionDisabled()
                    #if os(iOS)
                    .keyboardType(.URL)
                    .textInputAutocapitalization(.never)
                    #endif
                TextField("Code", text: $code)
                    .autocorrectionDisabled()
            } footer: {
                Text("An administrator, or another device of yours, shows you a code.")
            }
            Button("Enrol this device") {
                Task { await app.enrol(relay: relay, code: code, deviceName: "iPhone") }
            }
            .disabled(app.enrolling || code.isEmpty)
            if let failure = app.failure {
                Text(failure).foregroundStyle(.red)
            }
        }
    }
}

#Preview("Enrol") {
    RootView(AppModel(FakeDeskMaker(nil)))
}

#Preview("Desk") {
    RootView(AppModel(FakeDeskMaker(FakeDesk(.tuesday()))))
}
#endif
