//! Which shop is loaded: loopback only, because this tool is a weapon anywhere else.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, bail, ensure};
use url::Url;

/// The address behind a base URL, when it is this machine and plain HTTP.
pub fn loopback(text: &str) -> anyhow::Result<SocketAddr> {
    let url = Url::parse(text).with_context(|| format!("`{text}` is not a URL"))?;
    ensure!(url.scheme() == "http", "`{text}`: only plain http:// is spoken here");
    ensure!(
        url.path() == "/" && url.query().is_none(),
        "`{text}`: give the shop's base address without a path"
    );
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        bail!("`{text}` names no host");
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("`{host}` has no address"))?
        .collect();
    ensure!(
        !addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()),
        "`{text}` is not on this machine; load is only put on loopback addresses"
    );
    // "localhost" may stand for both families, and the shop listens on one; prefer IPv4.
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().with_context(|| format!("`{host}` has no address"))
}

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn loopback_addresses_are_taken() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.9.9.9:8080/", "127.9.9.9:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://127.0.0.1", "127.0.0.1:80"),
        ] {
            assert_eq!(loopback(text).unwrap().to_string(), expected, "{text}");
        }
        assert!(loopback("http://localhost:8080").unwrap().ip().is_loopback());
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "http://192.0.2.7:8080",
            "http://10.0.0.1",
            "http://0.0.0.0:8080",
            "http://[2001:db8::1]:8080",
            "https://127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://127.0.0.1:8080/shop",
            "127.0.0.1:8080",
            "",
        ] {
            assert!(loopback(text).is_err(), "{text}");
        }
    }
}
