import Foundation
import Offdesk
import OffdeskAPI

/// What the notification extension does with a wake-up: it pulls beside the app, and says what is to be shown.
public struct NotificationPull: Sendable {
    private let maker: RustDeskMaker

    public init(_ maker: RustDeskMaker) {
        self.maker = maker
    }

    /// The alerts to show, the latest first, and what the badge is to say. What is answered counts as shown: the app is not handed
    /// it again.
    public func alerts(deadline: Duration) async throws -> (show: [AlertItem], badge: Int) {
        let beside = try await OffdeskPuller.open(maker.configuration())
        let notices = try await beside.pull(deadline: deadline)
        try await beside.alertsShown(notices.show.map(\.id))
        return (notices.show.map(AlertItem.init), Int(notices.badge))
    }
}
