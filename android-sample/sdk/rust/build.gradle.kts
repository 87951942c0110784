plugins {
    id("com.android.library")
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "app.offdesk.sample.rust"
    compileSdk = 35
    defaultConfig.minSdk = 26
}

kotlin.jvmToolchain(17)

dependencies {
    api(project(":sdk:api"))
    api(libs.offdesk)
}
