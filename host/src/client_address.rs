//! The address that a request comes from, if it can be determined.

use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::SharedApp;
use crate::vault::Source;

/// Headers in which reverse proxies name the client. They are trusted only if configured; but a request with
/// one of them was not made on this machine.
const PROXY_HEADERS: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// A program on this machine, or a reverse proxy there that sends no client address.
    Machine,
    /// A reverse proxy whose clients are indistinguishable because `client_address_header` is not set.
    Proxy,
    /// The reverse proxy's header holds no valid address.
    Unreadable,
    /// An address; for IPv6 its /64 network, which is what one customer has.
    Address(IpAddr),
}

impl ClientAddress {
    /// Determines where a request comes from: what the reverse proxy says in the configured header, else the
    /// connection's own address. `header` is empty if none is configured.
    ///
    /// The last entry of the last header line counts: the proxy added it, whether it appends to the client's
    /// line or writes a line of its own.
    #[must_use]
    pub fn of(peer: Option<SocketAddr>, headers: &HeaderMap, header: &str) -> ClientAddress {
        let lines = || headers.get_all(header).iter().next_back();
        if let Some(line) = (!header.is_empty()).then(lines).flatten() {
            let last = line.to_str().ok().and_then(|text| text.rsplit(',').next());
            let address = last.and_then(address);
            return address.map_or(ClientAddress::Unreadable, |it| {
                ClientAddress::Address(network(it))
            });
        }
        let Some(peer) = peer.map(|peer| peer.ip().to_canonical()) else {
            return ClientAddress::Unreadable;
        };
        let proxied = PROXY_HEADERS.iter().any(|name| headers.contains_key(*name));
        match (is_internal(peer), proxied) {
            (true, true) => ClientAddress::Proxy,
            _ if peer.is_loopback() => ClientAddress::Machine,
            _ => ClientAddress::Address(network(peer)),
        }
    }

    /// Whether unrelated people may share this address.
    #[must_use]
    pub fn is_shared(self) -> bool {
        !matches!(self, ClientAddress::Address(_))
    }

    /// The address as a source of password checks.
    #[must_use]
    pub fn source(self) -> Source {
        let of = |kind: u8, bytes: &[u8]| Source::new("causeway address", &[&[kind], bytes]);
        match self {
            ClientAddress::Machine => of(0, &[]),
            ClientAddress::Proxy => of(1, &[]),
            ClientAddress::Unreadable => of(2, &[]),
            ClientAddress::Address(IpAddr::V4(address)) => of(4, &address.octets()),
            ClientAddress::Address(IpAddr::V6(address)) => of(6, &address.octets()),
        }
    }
}

impl FromRequestParts<SharedApp> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<ClientAddress, Self::Rejection> {
        static TOLD: Once = Once::new();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let header = &app.settings.client_address_header;
        let client = ClientAddress::of(peer.map(|it| it.0), &parts.headers, header);
        if client == ClientAddress::Proxy {
            TOLD.call_once(|| {
                tracing::warn!(
                    "a reverse proxy forwards requests, but `client_address_header` is not set: \
                     failed logins cannot be counted by address"
                );
            });
        }
        Ok(client)
    }
}

/// Whether one of our reverse proxies may have this address. From any other address, a proxy header would let
/// the sender choose how it is counted.
fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let found = bare.parse().ok();
    found.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

/// The address or network that is counted as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const HEADER: &str = "x-forwarded-for";

    fn client(peer: &str, header: &str, lines: &[&str]) -> ClientAddress {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HEADER, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        ClientAddress::of(Some(peer.parse().unwrap()), &headers, header)
    }

    fn named(lines: &[&str]) -> ClientAddress {
        client("127.0.0.1:9", HEADER, lines)
    }

    fn at(address: &str) -> ClientAddress {
        ClientAddress::Address(address.parse().unwrap())
    }

    #[test]
    fn the_last_entry_of_the_last_line_counts() {
        assert_eq!(named(&["192.0.2.1"]), at("192.0.2.1"));
        assert_eq!(named(&["198.51.100.7, 192.0.2.1"]), at("192.0.2.1"));
        assert_eq!(named(&["198.51.100.7", "192.0.2.1"]), at("192.0.2.1"));
        // A client on the proxy's machine is a client like any other.
        assert_eq!(named(&["127.0.0.1"]), at("127.0.0.1"));
    }

    #[test]
    fn ports_and_brackets_are_no_part_of_an_address() {
        for text in ["192.0.2.1:4711", " 192.0.2.1 ", "::ffff:192.0.2.1"] {
            assert_eq!(named(&[text]), at("192.0.2.1"), "{text}");
        }
        for text in [
            "2001:db8:1:2:3::4",
            "[2001:db8:1:2::5]",
            "[2001:db8:1:2::6]:443",
            "\"[2001:db8:1:2::7]:443\"",
        ] {
            assert_eq!(named(&[text]), at("2001:db8:1:2::"), "{text}");
        }
        assert_ne!(named(&["2001:db8:1:3::4"]), at("2001:db8:1:2::"));
    }

    #[test]
    fn what_is_no_address_is_a_place_of_its_own() {
        for text in ["", "unknown", "192.0.2.1,", "a, ", "192.0.2", "[::1", "ä"] {
            assert_eq!(named(&[text]), ClientAddress::Unreadable, "{text}");
        }
    }

    #[test]
    fn without_the_setting_no_header_is_believed() {
        assert_eq!(client("127.0.0.1:9", "", &[]), ClientAddress::Machine);
        assert_eq!(client("[::1]:9", "", &[]), ClientAddress::Machine);
        assert_eq!(client("192.0.2.9:9", "", &[]), at("192.0.2.9"));
        for proxy in ["127.0.0.1:9", "10.0.0.2:9", "[fd00::2]:9"] {
            assert_eq!(client(proxy, "", &["192.0.2.1"]), ClientAddress::Proxy);
        }
        // A client on the open network may have sent the header itself.
        let direct = client("192.0.2.9:9", "", &["192.0.2.1"]);
        assert_eq!(direct, at("192.0.2.9"));
    }

    #[test]
    fn a_request_past_the_proxy_is_its_own_address() {
        assert_eq!(client("127.0.0.1:9", HEADER, &[]), ClientAddress::Machine);
        assert_eq!(client("192.0.2.9:9", HEADER, &[]), at("192.0.2.9"));
    }
}
