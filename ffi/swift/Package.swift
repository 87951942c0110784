// swift-tools-version: 6.0
// Offdesk for Swift. `README.md` says how to build it for Apple's platforms and how it is tested on Linux.

import PackageDescription

// The Rust library. Apple's platforms link the XCFramework that `build-xcframework` makes; Linux links the shared library,
// whose folder is given on the command line: `swift build -Xlinker -L…`.
#if os(Linux)
let rust: Target = .target(name: "OffdeskFFI", linkerSettings: [.linkedLibrary("offdesk_ffi")])
#else
let rust: Target = .binaryTarget(name: "OffdeskFFI", path: "OffdeskFFI.xcframework")
#endif

let package = Package(
    name: "Offdesk",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Offdesk", targets: ["Offdesk"])],
    targets: [
        rust,
        .target(
            name: "OffdeskBindings",
            dependencies: ["OffdeskFFI"],
            // What the Rust library asks the system: which certificates are trusted, and where the network leads.
            linkerSettings: [
                .linkedFramework("Security", .when(platforms: [.iOS, .macOS])),
                .linkedFramework("SystemConfiguration", .when(platforms: [.iOS, .macOS])),
            ]
        ),
        .target(name: "Offdesk", dependencies: ["OffdeskBindings"]),
        .testTarget(name: "OffdeskTests", dependencies: ["Offdesk"]),
    ],
    swiftLanguageModes: [.v6]
)
