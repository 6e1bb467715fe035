//! One target under libFuzzer: the one that `KEYMOOR_FUZZ_TARGET` names.

#![cfg_attr(libfuzzer, no_main)]

#[cfg(libfuzzer)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use std::sync::LazyLock;

    use keymoor_fuzz::{TARGETS, Target};

    static TARGET: LazyLock<&Target> = LazyLock::new(|| {
        let name =
            std::env::var("KEYMOOR_FUZZ_TARGET").expect("KEYMOOR_FUZZ_TARGET names a target");
        let target = TARGETS.iter().find(|target| target.name == name);
        target.expect("KEYMOOR_FUZZ_TARGET names one of the targets")
    });
    (TARGET.run)(data);
});

#[cfg(not(libfuzzer))]
fn main() {
    eprintln!("built without libFuzzer; `cargo xtask fuzz` builds it with");
    std::process::exit(2);
}
