//! A policy for tests that imports WASI, as policies in JavaScript or Python do.
//!
//! | settings | behaviour |
//! |---|---|
//! | `see` | denies; the text says what it sees of clocks, folders, environment, arguments and standard input |
//! | `numbers` | denies; the text is a few random numbers |
//! | `random N` | requests N random bytes; denies with the number received |
//! | `wait` | waits for an hour; denies with the seconds that its monotonic clock then shows |
//! | `write N` | writes N lines to standard output and allows |
//! | `flood N` | writes N bytes to standard output at once and allows |
//! | `hoard` | opens standard output for ever, and closes none |
//! | `ask-clock` | looks at the clock for ever |
//! | `exit` | ends its program |

use std::cell::RefCell;

use bindings::causeway::policy::context::{Crossing, Denial};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Guest as PostGate, Post, Verdict};
use bindings::wasi::cli::{environment, exit, stdin, stdout};
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::filesystem::preopens;
use bindings::wasi::random::random;

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "causeway:testing/wasi-policy",
        path: ["../../wit/policy", "wit"],
        generate_all,
    });

    use super::Testing;

    export!(Testing);
}

struct Testing;

thread_local! {
    static SETTINGS: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Policy for Testing {
    fn describe() -> Description {
        Description {
            name: "testing-wasi".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["post-gate".into()],
            settings_schema: String::new(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        SETTINGS.set(settings);
        Ok(())
    }

    fn rules() -> Vec<String> {
        Vec::new()
    }
}

impl PostGate for Testing {
    fn decide(_crossing: Crossing, _post: Post) -> Verdict {
        let settings = SETTINGS.with_borrow(String::clone);
        let (verb, rest) = settings.split_once(' ').unwrap_or((settings.as_str(), ""));
        let count = rest.parse().unwrap_or(0);
        match verb {
            "numbers" => deny(format!(
                "{} {:?}",
                random::get_random_u64(),
                random::get_random_bytes(8)
            )),
            "random" => deny(random::get_random_bytes(count).len().to_string()),
            "wait" => deny(wait()),
            "write" => write(&"a line\n".repeat(count as usize)),
            "flood" => write(&"x".repeat(count as usize)),
            "hoard" => loop {
                std::mem::forget(stdout::get_stdout());
            },
            "ask-clock" => loop {
                monotonic_clock::now();
            },
            "exit" => {
                exit::exit(Err(()));
                Verdict::Allow
            }
            _ => deny(see()),
        }
    }
}

fn deny(text: impl Into<String>) -> Verdict {
    Verdict::Deny(Denial {
        code: "testing".into(),
        text: text.into(),
    })
}

fn see() -> String {
    let now = wall_clock::now();
    let input = stdin::get_stdin().blocking_read(1).is_ok();
    format!(
        "ms {} clock {} folders {} environment {} arguments {} input {input}",
        now.seconds * 1_000 + u64::from(now.nanoseconds) / 1_000_000,
        monotonic_clock::now(),
        preopens::get_directories().len(),
        environment::get_environment().len(),
        environment::get_arguments().len(),
    )
}

fn wait() -> String {
    monotonic_clock::subscribe_duration(3_600_000_000_000).block();
    (monotonic_clock::now() / 1_000_000_000).to_string()
}

fn write(text: &str) -> Verdict {
    let out = stdout::get_stdout();
    let taken = out.check_write().and_then(|_| out.write(text.as_bytes()));
    match taken {
        Ok(()) => Verdict::Allow,
        Err(_) => deny("it was not taken"),
    }
}
