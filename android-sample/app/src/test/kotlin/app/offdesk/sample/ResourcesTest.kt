package app.offdesk.sample

import java.nio.file.Files
import java.nio.file.Path
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.w3c.dom.Document

/** What the Android build would say of manifest and resources, as far as that can be said without the SDK. */
class ResourcesTest {
    private val main = Path.of("app/src/main")
    private val sources = files(main.resolve("kotlin"), "kt").associateWith { Files.readString(it) }

    @Test
    fun `every resource that is named exists, and none is idle`() {
        val there = files(main.resolve("res"), "xml").flatMap { file ->
            val folder = file.parent.fileName.toString()
            if (folder == "values") {
                val strings = parse(file).getElementsByTagName("string")
                (0 until strings.length).map { "string/" + strings.item(it).attributes.getNamedItem("name").nodeValue }
            } else {
                parse(file)
                listOf("$folder/${file.fileName.toString().removeSuffix(".xml")}")
            }
        }.toSet()
        val inXml = Regex("""@(string|drawable|xml)/(\w+)""").findAll(Files.readString(main.resolve("AndroidManifest.xml")))
        val inCode = sources.values.asSequence().flatMap { Regex("""R\.(string|drawable|xml)\.(\w+)""").findAll(it) }
        val named = (inXml + inCode).map { "${it.groupValues[1]}/${it.groupValues[2]}" }.toSet()
        assertEquals(there.sorted(), named.sorted())
    }

    @Test
    fun `every component of the manifest is a class, and exported only if it must be`() {
        val manifest = parse(main.resolve("AndroidManifest.xml"))
        val classes = sources.keys.map { it.fileName.toString().removeSuffix(".kt") }
        for (tag in listOf("application", "activity", "service")) {
            val components = manifest.getElementsByTagName(tag)
            assertTrue(components.length > 0, tag)
            for (index in 0 until components.length) {
                val attributes = components.item(index).attributes
                val name = attributes.getNamedItemNS(ANDROID, "name").nodeValue
                assertTrue(name.removePrefix(".android.") in classes, "$name is no class")
                val exported = attributes.getNamedItemNS(ANDROID, "exported")?.nodeValue
                assertEquals(if (tag == "activity") "true" else if (tag == "service") "false" else null, exported, name)
            }
        }
    }

    @Test
    fun `only the adapter and the Android part import the library`() {
        val others = listOf("sdk/api", "sdk/fake", "app/src/shared").flatMap { files(Path.of(it), "kt") }
        assertTrue(others.size > 5)
        for (file in others) {
            val imports = Files.readAllLines(file).filter { it.startsWith("import app.offdesk.") }
            assertTrue(imports.all { it.startsWith("import app.offdesk.sample.") }, "$file: $imports")
        }
    }

    private fun files(folder: Path, extension: String): List<Path> =
        Files.walk(folder).use { paths -> paths.filter { it.toString().endsWith(".$extension") }.toList() }

    private fun parse(file: Path): Document =
        DocumentBuilderFactory.newInstance().apply { isNamespaceAware = true }.newDocumentBuilder().parse(file.toFile())

    private companion object {
        const val ANDROID = "http://schemas.android.com/apk/res/android"
    }
}
