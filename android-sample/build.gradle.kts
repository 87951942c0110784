plugins {
    alias(libs.plugins.android.application) apply false
    id("com.android.library") version libs.versions.agp apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.jvm) apply false
    alias(libs.plugins.kotlin.compose) apply false
    alias(libs.plugins.google.services) apply false
}
