//! Generates Kotlin and Swift from the built library. `ffi/README.md` has the commands.

fn main() {
    uniffi::uniffi_bindgen_main();
}
