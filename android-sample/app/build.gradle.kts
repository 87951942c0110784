plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
    alias(libs.plugins.kotlin.compose)
}

// Wake-ups need a project at Firebase; without its file the app is built without them.
if (file("google-services.json").exists()) apply(plugin = libs.plugins.google.services.get().pluginId)

android {
    namespace = "app.offdesk.sample"
    compileSdk = 35

    defaultConfig {
        applicationId = "app.offdesk.sample"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "0.1.0"
    }
    // View models and screens that know nothing of Android.
    sourceSets["main"].kotlin.srcDir("src/shared/kotlin")
    buildTypes.getByName("release") {
        isMinifyEnabled = true
        proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
    }
    buildFeatures.compose = true
    // Pages of 16 KB: libraries are stored uncompressed and aligned.
    packaging.jniLibs.useLegacyPackaging = false
}

kotlin.jvmToolchain(17)

dependencies {
    implementation(project(":sdk:api"))
    implementation(project(":sdk:rust"))
    implementation(libs.coroutines.android)
    implementation(libs.androidx.core)
    implementation(libs.androidx.activity.compose)
    implementation(libs.androidx.lifecycle.viewmodel)
    implementation(libs.androidx.lifecycle.runtime)
    implementation(libs.androidx.navigation)
    implementation(libs.androidx.work)
    implementation(platform(libs.compose.bom))
    implementation(libs.compose.material3)
    implementation(platform(libs.firebase.bom))
    implementation(libs.firebase.messaging)
}
