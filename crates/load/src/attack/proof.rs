//! Whether the one who attacks may: a shop on this machine, or one that says so itself.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, bail, ensure};
use url::Url;

use super::ask::Ask;
use super::wire;
use crate::scene::Draw;
use crate::target;

/// Where the shop says that it wants to be attacked.
pub const PATH: &str = "/.well-known/holdfast-attack";

/// The target's address, when it is this machine or proves that it belongs to who asks.
pub async fn allowed(url: &str, proof: Option<&str>, draw: Draw) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = target::loopback(url) {
        return Ok(address);
    }
    let (address, host) = elsewhere(url)?;
    let Some(proof) = proof else {
        let token = format!("{:016x}{:016x}", draw.stranger(1), draw.stranger(2));
        bail!(
            "`{url}` is not on this machine, and attacking other people's shops is a crime.\n\
             To show that it is yours, let it answer this and nothing else at {PATH}:\n\n    \
             {token}\n\nand run the same again with --proof {token}"
        );
    };
    let hexadecimal = proof.len() == 32 && proof.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(hexadecimal, "--proof is what this tool printed: 32 hexadecimal digits");
    let answer = wire::exchange(address, &Ask::get(PATH).on_the_wire(&host)).await;
    ensure!(
        answer.status == 200 && answer.text().trim() == proof,
        "`{url}` does not answer {proof} at {PATH} but {}: it is left alone",
        answer.in_short()
    );
    Ok(address)
}

fn elsewhere(text: &str) -> anyhow::Result<(SocketAddr, String)> {
    let url = Url::parse(text).with_context(|| format!("`{text}` is not a URL"))?;
    ensure!(
        url.scheme() == "http",
        "`{text}`: only plain http:// is spoken here; run this tool behind whatever ends TLS"
    );
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        bail!("`{text}` names no host");
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut found = (bare, port).to_socket_addrs().context("the shop has no address")?;
    let address = found.next().with_context(|| format!("`{host}` has no address"))?;
    Ok((address, format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shop_elsewhere_has_to_say_so() {
        let draw = Draw::new(Some(1));
        assert!(allowed("http://127.0.0.1:9", None, draw).await.is_ok());
        let refused = |url: &'static str, proof| async move {
            format!("{:#}", allowed(url, proof, draw).await.unwrap_err())
        };
        let said = refused("http://192.0.2.1:9", None).await;
        assert!(said.contains("--proof") && said.contains(PATH), "{said}");
        let said = refused("http://192.0.2.1:9", Some("<html>")).await;
        assert!(said.contains("32 hexadecimal digits"), "{said}");
        assert!(refused("https://shop.example", None).await.contains("plain http"));
    }
}
