pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "offdesk-sample"
include(":app", ":sdk:api", ":sdk:rust", ":sdk:fake")

// The library from this repository's own sources: no artifact has to be published first.
includeBuild("../ffi/kotlin/android") {
    dependencySubstitution { substitute(module("app.offdesk:offdesk-android")).using(project(":")) }
}
