//! Which addresses may be called. That of a peer comes from an invitation or a confirmation, and that of an
//! integration from a member of a team, so people who may not reach this network choose them.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Checks addresses after the name was resolved, so that no name can hide one.
#[derive(Clone, Copy, Debug)]
pub struct TargetPolicy {
    /// Whether internal addresses may be called.
    pub allow_private: bool,
    /// Section of the configuration that says so.
    pub section: &'static str,
}

impl TargetPolicy {
    /// Checks an address.
    ///
    /// # Errors
    /// Why it may not be called, naming the setting if there is one.
    pub fn check(self, address: IpAddr) -> Result<(), NotCalled> {
        let open = TargetPolicy {
            allow_private: true,
            ..self
        };
        match (self.allows(address), open.allows(address)) {
            (true, _) => Ok(()),
            (false, true) => Err(NotCalled::Private(self.section)),
            (false, false) => Err(NotCalled::Never),
        }
    }

    /// Whether an address may be called.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.allows_v4(address),
            IpAddr::V6(address) => self.allows_v6(address),
        }
    }

    fn allows_v4(self, address: Ipv4Addr) -> bool {
        let [a, b, c, _] = address.octets();
        let never = address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || a == 0
            // Cloud metadata outside the link-local block.
            || address == Ipv4Addr::new(100, 100, 100, 200)
            || address == Ipv4Addr::new(168, 63, 129, 16);
        let internal = address.is_loopback()
            || address.is_private()
            || address.is_documentation()
            // Carrier-grade NAT, protocol assignments, benchmarks, and reserved blocks.
            || (a == 100 && (64..128).contains(&b))
            || (a == 192 && b == 0 && c == 0)
            || (a == 198 && (18..20).contains(&b))
            || a >= 240;
        !never && (self.allow_private || !internal)
    }

    fn allows_v6(self, address: Ipv6Addr) -> bool {
        let segments = address.segments();
        let [first, second, ..] = segments;
        let never = address.is_unspecified()
            || address.is_multicast()
            || address.is_unicast_link_local()
            || segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
        let internal = address.is_loopback()
            || address.is_unique_local()
            || (first == 0x2001 && second == 0xdb8)
            // Addresses that embed IPv4 ones: NAT64, 6to4, Teredo and the old compatible form.
            || (first == 0x64 && second == 0xff9b)
            || first == 0x2002
            || (first == 0x2001 && second == 0)
            || segments.iter().take(6).all(|segment| *segment == 0);
        !never && (self.allow_private || !internal)
    }
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCalled {
    /// It is internal; a key of this section of the configuration allows it.
    #[error(
        "loopback and private addresses are called only with `allow_private_targets` in the section \
         [{0}] of the configuration"
    )]
    Private(&'static str),
    /// No setting allows it.
    #[error("link-local, metadata, multicast and broadcast addresses are never called")]
    Never,
}

impl From<NotCalled> for io::Error {
    fn from(reason: NotCalled) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, reason)
    }
}

/// Resolves names through the operating system and drops addresses that may not be called, so that a
/// connection is only ever opened to a checked address.
#[derive(Clone, Copy, Debug)]
pub struct GuardedResolver(pub TargetPolicy);

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let policy = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (mut allowed, mut refused) = (Vec::new(), None);
            for address in found {
                match policy.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match refused {
                Some(reason) if allowed.is_empty() => Err(reason.into()),
                _ => Ok(allowed.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow_private: bool) -> TargetPolicy {
        TargetPolicy {
            allow_private,
            section: "federation",
        }
    }

    fn allows(allow_private: bool, address: &str) -> bool {
        policy(allow_private).allows(address.parse().unwrap())
    }

    #[test]
    fn internal_addresses_are_a_matter_of_the_setting() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
        ] {
            assert!(allows(true, address), "{address}");
            assert!(!allows(false, address), "{address}");
        }
        for address in ["64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"] {
            assert!(!allows(false, address), "{address}");
        }
    }

    #[test]
    fn metadata_and_group_addresses_are_never_called() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!allows(true, address), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_called() {
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(allows(false, address), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed() {
        let mut strict = GuardedResolver(policy(false));
        let refused = strict.call("localhost".parse().unwrap()).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("`allow_private_targets`"));
        let mut open = GuardedResolver(policy(true));
        assert!(
            open.call("localhost".parse().unwrap())
                .await
                .unwrap()
                .count()
                > 0
        );
    }
}
