import Foundation
import Offdesk
import Testing

/// Wake-ups, in the app and in the extension beside it.
struct PushTests {
    @Test func a_push_tells_each_alert_once() async throws {
        let scene = try await Scene.open()
        let ada = try await scene.enrol("Ada")
        _ = try await ada.syncOnce(deadline: .seconds(30))
        try await scene.inbound(maria, "Hello?")
        let notices = try await ada.handlePush(deadline: .seconds(30))
        #expect(notices.show.map(\.text) == ["Hello?"])
        #expect(notices.badge == 1)
        #expect(notices.incomplete == nil)
        try await ada.alertsShown(notices.show.map(\.id))
        #expect(try await ada.handlePush(deadline: .seconds(30)).show.isEmpty)
        try await scene.network(up: false)
        #expect(try await ada.handlePush(deadline: .seconds(5)).incomplete != nil)
        try await scene.close()
    }

    @Test func the_extension_pulls_what_the_app_then_has() async throws {
        let scene = try await Scene.open()
        await #expect(throws: OffdeskError.notEnrolled) { try await OffdeskPuller.open(scene.configuration("Ada")) }
        let ada = try await scene.enrol("Ada")
        _ = try await ada.syncOnce(deadline: .seconds(30))
        try await ada.pause()
        try await scene.inbound(maria, "Hello?")
        let beside = try await OffdeskPuller.open(scene.configuration("Ada"))
        let notices = try await beside.pull(deadline: .seconds(30))
        #expect(notices.show.map(\.text) == ["Hello?"])
        #expect(notices.incomplete == nil)
        try await beside.alertsShown(notices.show.map(\.id))
        try await scene.network(up: false)
        try await ada.resume()
        #expect(try await ada.inbox().rows.map(\.preview) == ["Hello?"], "what was pulled is here without a network")
        #expect(try await ada.handlePush(deadline: .seconds(5)).show.isEmpty)
        try await scene.close()
    }
}
