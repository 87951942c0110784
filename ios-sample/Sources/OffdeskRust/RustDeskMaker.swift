import Foundation
import Offdesk
import OffdeskAPI

/// Where the database's key is kept: the Keychain in the app, memory in tests.
public protocol KeyStore: Sendable {
    /// The key, made at the first call.
    func databaseKey() throws -> Data
}

/// Makes desks over the library, in one folder.
public struct RustDeskMaker: DeskMaker {
    private let folder: URL
    private let keys: any KeyStore

    /// - Parameter folder: where the database is; for an app with a notification extension, the app group's container.
    public init(folder: URL, keys: any KeyStore) {
        (self.folder, self.keys) = (folder, keys)
    }

    public func open() async throws -> (any Desk)? {
        do {
            return RustDesk(try await Offdesk.open(configuration()))
        } catch OffdeskError.notEnrolled {
            return nil
        }
    }

    public func enrol(relay: String, code: String, deviceName: String) async throws -> any Desk {
        RustDesk(try await Offdesk.enrol(configuration(), relay: relay, code: code, deviceName: deviceName))
    }

    /// What the library opens: the app's process and the extension's agree on it.
    public func configuration() throws -> Configuration {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return Configuration(database: folder.appendingPathComponent("offdesk.db"), key: try keys.databaseKey())
    }
}
