// The library as an Android archive, over the same sources as the JVM's. `native-libraries` comes first.
plugins {
    id("com.android.library") version "8.9.3"
    kotlin("android") version "2.1.21"
    `maven-publish`
}

group = "app.offdesk"
version = "0.1.0"

android {
    namespace = "app.offdesk"
    compileSdk = 35

    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    sourceSets["main"].kotlin.srcDirs("../bindings/src/main/kotlin", "../offdesk/src/main/kotlin")
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    // Stripped by `native-libraries` already, which keeps the symbols.
    packaging.jniLibs.keepDebugSymbols += "**/liboffdesk_ffi.so"
    publishing.singleVariant("release") { withSourcesJar() }
}

kotlin.jvmToolchain(17)

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.10.2")
    // JNA's own archive holds its native part for Android.
    implementation("net.java.dev.jna:jna:5.17.0@aar")
}

publishing.publications.register<MavenPublication>("release") {
    artifactId = "offdesk-android"
    afterEvaluate { from(components["release"]) }
}
