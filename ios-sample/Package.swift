// swift-tools-version: 6.0
// What the app is made of, without Xcode: `README.md` says which part is built and tested where.

import PackageDescription

let package = Package(
    name: "OffdeskSample",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "OffdeskSample", targets: ["OffdeskUI", "OffdeskRust"]),
        .library(name: "OffdeskPull", targets: ["OffdeskRust"]),
    ],
    dependencies: [.package(path: "../ffi/swift")],
    targets: [
        // What the app's screens know: values and one protocol. No Rust.
        .target(name: "OffdeskAPI"),
        // The protocol over the library.
        .target(name: "OffdeskRust", dependencies: ["OffdeskAPI", .product(name: "Offdesk", package: "swift")]),
        // The protocol in memory, for previews and tests.
        .target(name: "OffdeskFake", dependencies: ["OffdeskAPI"]),
        // View models, and the screens where there is SwiftUI.
        .target(name: "OffdeskUI", dependencies: ["OffdeskAPI", "OffdeskFake"]),
        .testTarget(name: "OffdeskUITests", dependencies: ["OffdeskUI", "OffdeskFake"]),
        .testTarget(name: "OffdeskRustTests", dependencies: ["OffdeskRust", "OffdeskUI"]),
    ],
    swiftLanguageModes: [.v6]
)
