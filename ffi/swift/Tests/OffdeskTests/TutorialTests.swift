import Foundation
import Offdesk
import Testing

/// The lines of the README, which `tests/swift/run` took out of it and built: a program that is given a relay and a code.
@Test func the_lines_of_the_readme_deliver_an_offline_reply() async throws {
    let built = try #require(ProcessInfo.processInfo.environment["OFFDESK_TUTORIAL"], "tests/swift/run builds it")
    let scene = try await Scene.open()
    let ada = try await scene.person("Ada", "agent")
    try await scene.inbound(maria, "Is my order ready?")

    let program = Process()
    program.executableURL = URL(fileURLWithPath: built)
    program.arguments = [scene.relay, try await scene.code(ada)]
    program.currentDirectoryURL = scene.folder
    let said = Pipe()
    program.standardOutput = said
    let ended = AsyncStream<Int32> { continuation in
        program.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
    }
    try program.run()
    let status = try await inTime("it ends") {
        for await status in ended { return status }
        return -1
    }
    let text = String(decoding: try #require(try said.fileHandleForReading.readToEnd()), as: UTF8.self)
    #expect(status == 0)
    #expect(text.contains("upToDate: true"))
    #expect(try await scene.sent() == ["Yes, come by!"])
    try await scene.close()
}
