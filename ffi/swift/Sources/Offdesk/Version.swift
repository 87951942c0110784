import OffdeskBindings

/// What this library is.
public enum OffdeskLibrary {
    /// Its version, such as `0.1.0`: for the app's "about" screen and for bug reports.
    public static var version: String { OffdeskBindings.version() }

    /// The version of the sync protocol that it speaks.
    public static var protocolVersion: UInt16 { OffdeskBindings.protocolVersion() }
}
