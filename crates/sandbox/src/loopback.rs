//! Addresses that the sandbox talks to: on this machine, and nowhere else.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether `url` is an `http://` address on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    local && url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
}
