//! A policy for tests that imports WASI, as policies in JavaScript or Python do.
//!
//! | settings | behaviour |
//! |---|---|
//! | `see` | denies; the text says what it sees of clock, random source, folders, environment |
//! | `wait` | waits for an hour |
//! | `random N` | requests N random bytes; denies with the number received |
//! | `socket` | denies; the text says whether it got a socket |

use std::cell::RefCell;

use bindings::causeway::policy::context::{Crossing, Denial};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Guest as PostGate, Post, Verdict};
use bindings::wasi::cli::environment;
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::filesystem::preopens;
use bindings::wasi::random::random;
use bindings::wasi::sockets::network::IpAddressFamily;
use bindings::wasi::sockets::tcp_create_socket;

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
        match verb {
            "wait" => {
                monotonic_clock::subscribe_duration(3_600_000_000_000).block();
                Verdict::Allow
            }
            "random" => {
                let wanted = rest.parse().unwrap_or(0);
                deny(random::get_random_bytes(wanted).len().to_string())
            }
            "socket" => {
                let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4);
                deny(if socket.is_ok() {
                    "a socket"
                } else {
                    "no socket"
                })
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
    let first = monotonic_clock::now();
    let passed = monotonic_clock::now() - first;
    let random = (random::get_random_u64(), random::get_random_u64());
    format!(
        "seconds {} passed {passed} random {random:?} folders {} environment {}",
        now.seconds,
        preopens::get_directories().len(),
        environment::get_environment().len(),
    )
}
