import UserNotifications

/// The notification extension: a wake-up carries no content, so that neither Apple nor the relay's operator reads along.
final class NotificationService: UNNotificationServiceExtension {
    private var deliver: ((UNNotificationContent) -> Void)?
    private var plain: UNNotificationContent?

    override func didReceive(
        _ request: UNNotificationRequest, withContentHandler deliver: @escaping (UNNotificationContent) -> Void
    ) {
        let content = UNMutableNotificationContent()
        content.title = "Offdesk"
        content.body = "Somebody wrote to you."
        content.sound = .default
        content.userInfo = request.content.userInfo
        (self.deliver, plain) = (deliver, content)
        deliver(content)
    }

    override func serviceExtensionTimeWillExpire() {
        if let plain { deliver?(plain) }
    }
}
