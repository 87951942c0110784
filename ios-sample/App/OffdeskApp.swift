import BackgroundTasks
import Network
import OffdeskAPI
import OffdeskRust
import OffdeskUI
import SwiftUI
import UserNotifications

/// The app's process: its window, its life with the system's, wake-ups and notifications.
@main
struct OffdeskApp: App {
    @UIApplicationDelegateAdaptor private var delegate: AppDelegate
    @Environment(\.scenePhase) private var phase

    var body: some Scene {
        WindowGroup {
            RootView(delegate.app)
                .onOpenURL { delegate.app.open($0) }
                .task { await delegate.followNetwork() }
        }
        .onChange(of: phase) { _, phase in
            switch phase {
            case .active: Task { await delegate.app.becameActive() }
            case .background: delegate.enteredBackground()
            default: break
            }
        }
    }
}

/// What only a delegate is told.
@MainActor
final class AppDelegate: NSObject, UIApplicationDelegate, @preconcurrency UNUserNotificationCenterDelegate {
    /// Named in the project's Info.plist too.
    static let refreshTask = "app.offdesk.sample.refresh"

    let app = AppModel(RustDeskMaker(folder: Shared.folder, keys: Keychain()))

    func application(
        _ application: UIApplication, didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool {
        BGTaskScheduler.shared.register(forTaskWithIdentifier: Self.refreshTask, using: .main) { task in
            MainActor.assumeIsolated { self.refresh(task) }
        }
        UNUserNotificationCenter.current().delegate = self
        Task {
            let options: UNAuthorizationOptions = [.alert, .sound, .badge]
            guard try await UNUserNotificationCenter.current().requestAuthorization(options: options) else { return }
            application.registerForRemoteNotifications()
        }
        return true
    }

    /// A content-free wake-up: one bounded sync, the text comes from the database.
    func application(
        _ application: UIApplication, didReceiveRemoteNotification payload: [AnyHashable: Any]
    ) async -> UIBackgroundFetchResult {
        // In front, the live stream has brought it already.
        guard application.applicationState == .background else { return .noData }
        return await app.refresh() ? .newData : .failed
    }

    /// The system suspends the app some seconds after this: until then what waits may be sent, then every lock is let go of.
    func enteredBackground() {
        let request = BGAppRefreshTaskRequest(identifier: Self.refreshTask)
        request.earliestBeginDate = Date(timeIntervalSinceNow: 15 * 60)
        try? BGTaskScheduler.shared.submit(request)

        let holding = Holding()
        holding.id = UIApplication.shared.beginBackgroundTask(withName: "last sync") { holding.end() }
        Task {
            _ = await app.refresh(deadline: .seconds(5))
            holding.end()
        }
    }

    private func refresh(_ task: BGTask) {
        let work = Task {
            let done = await app.refresh()
            task.setTaskCompleted(success: done)
        }
        // Cancelling ends the sync at once, and the pause that follows it is carried out all the same.
        task.expirationHandler = { work.cancel() }
    }

    /// What the system knows of the network, told to the library.
    func followNetwork() async {
        let paths = AsyncStream<Bool> { continuation in
            let monitor = NWPathMonitor()
            monitor.pathUpdateHandler = { continuation.yield($0.status == .satisfied) }
            continuation.onTermination = { _ in monitor.cancel() }
            monitor.start(queue: .main)
        }
        for await online in paths {
            try? await app.desk?.setNetwork(online: online)
        }
    }

    func userNotificationCenter(
        _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse
    ) async {
        if let conversation = response.notification.request.content.userInfo["conversation"] as? String {
            app.opened = conversation
        }
    }

    func userNotificationCenter(
        _ center: UNUserNotificationCenter, willPresent notification: UNNotification
    ) async -> UNNotificationPresentationOptions {
        [.banner, .sound, .badge]
    }
}

/// Time that the system lends to an app that went to the background, given back once.
@MainActor
private final class Holding {
    var id = UIBackgroundTaskIdentifier.invalid

    func end() {
        guard id != .invalid else { return }
        UIApplication.shared.endBackgroundTask(id)
        id = .invalid
    }
}
