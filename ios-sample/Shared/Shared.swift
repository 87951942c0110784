import Foundation
import OffdeskRust
import Security

/// What the app and its notification extension have in common: the folder of the app group, and the Keychain.
enum Shared {
    /// As in both entitlements.
    static let group = "group.app.offdesk.sample"

    /// Where the database is. Readable once the phone was unlocked after it was started, so that a wake-up finds it.
    static var folder: URL {
        guard let container = FileManager.default.containerURL(forSecurityApplicationGroupIdentifier: group) else {
            // Without the entitlement there is nothing to share: a mistake of the project's, found at the first start.
            preconditionFailure("the app group \(group) is missing from the entitlements")
        }
        let folder = container.appendingPathComponent("offdesk", isDirectory: true)
        try? FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true,
            attributes: [.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication]
        )
        return folder
    }
}

/// The database's key: 32 random bytes that never leave this phone, nor come along in a backup.
struct Keychain: KeyStore {
    struct Failure: LocalizedError {
        let status: OSStatus
        var errorDescription: String? {
            "The Keychain can't be read (\(status)): unlock the phone and try again."
        }
    }

    private var item: [CFString: Any] {
        [
            kSecClass: kSecClassGenericPassword,
            kSecAttrService: "app.offdesk.sample",
            kSecAttrAccount: "database key",
            kSecAttrAccessGroup: Shared.group,
            kSecUseDataProtectionKeychain: true,
        ]
    }

    func databaseKey() throws -> Data {
        var found: CFTypeRef?
        let query = item.merging([kSecReturnData: true]) { $1 }
        switch SecItemCopyMatching(query as CFDictionary, &found) {
        case errSecSuccess:
            if let key = found as? Data { return key }
            throw Failure(status: errSecDecode)
        case errSecItemNotFound: return try create()
        case let status: throw Failure(status: status)
        }
    }

    private func create() throws -> Data {
        var key = Data(count: 32)
        let filled = key.withUnsafeMutableBytes { bytes in
            SecRandomCopyBytes(kSecRandomDefault, bytes.count, bytes.baseAddress!)
        }
        guard filled == errSecSuccess else { throw Failure(status: filled) }
        let new = item.merging([
            kSecValueData: key,
            kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]) { $1 }
        switch SecItemAdd(new as CFDictionary, nil) {
        case errSecSuccess: return key
        // The other process was first.
        case errSecDuplicateItem: return try databaseKey()
        case let status: throw Failure(status: status)
        }
    }
}
