import Offdesk
import Testing

@Test func the_library_says_what_it_is() {
    #expect(Offdesk.version.split(separator: ".").count == 3)
    #expect(Offdesk.protocolVersion > 0)
}
