import OffdeskAPI
import OffdeskRust
import UserNotifications

/// The notification extension. A wake-up carries no content, so that neither Apple nor the relay's operator reads along: the text
/// comes from the app group's database, into which it pulls what is new.
final class NotificationService: UNNotificationServiceExtension {
    private var work: Task<Void, Never>?

    override func didReceive(
        _ request: UNNotificationRequest, withContentHandler deliver: @escaping (UNNotificationContent) -> Void
    ) {
        let content = UNMutableNotificationContent()
        content.title = "Offdesk"
        content.body = "Somebody wrote to you."
        content.sound = .default
        // The system calls it once, on whatever thread; nothing else touches either.
        nonisolated(unsafe) let (deliver, shown) = (deliver, content)
        work = Task {
            let pull = NotificationPull(RustDeskMaker(folder: Shared.folder, keys: Keychain()))
            // The system gives half a minute; what it cancels before is shown without a text.
            if let (alerts, badge) = try? await pull.alerts(deadline: .seconds(20)) {
                shown.badge = badge as NSNumber
                if let latest = alerts.first {
                    shown.title = latest.title
                    shown.body = latest.text
                    shown.userInfo["conversation"] = latest.conversation
                    shown.threadIdentifier = latest.conversation
                }
            }
            deliver(shown)
        }
    }

    override func serviceExtensionTimeWillExpire() {
        // Ends the pull at once, and with it the task, which delivers what there is.
        work?.cancel()
    }
}
