import Offdesk
import Testing

@Test func the_library_says_what_it_is() {
    #expect(OffdeskLibrary.version.split(separator: ".").count == 3)
    #expect(OffdeskLibrary.protocolVersion > 0)
}
