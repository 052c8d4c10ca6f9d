//! `[sandbox]`: the payment sandbox beside the shop, and the gateways that lead to it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use gateways::{Gateway, SandboxGateway, SandboxSettings, Secret};
use kernel::Env;
use sandbox::{Sandbox, SandboxConfig};
use store::Db;

use crate::config::Config;

/// The gateways of a shop, and the sandbox that was started for them.
pub struct Beside {
    /// All of them, in the order in which they are offered.
    pub gateways: Vec<Arc<dyn Gateway>>,
    /// Runs as long as the shop; none where the shop has none or it runs elsewhere.
    pub sandbox: Option<Sandbox>,
}

impl Beside {
    /// Sets up what `config` asks for. The sandbox tells its news to the shop at `shop`; a command
    /// that only wants to ask something has none, and starts none.
    pub async fn open(
        config: &Config,
        db: &Db,
        env: &Env,
        shop: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let settings = &config.sandbox;
        let mut gateways: Vec<Arc<dyn Gateway>> = Vec::new();
        let mut tables = config.gateways.clone();
        if settings.listen.is_empty() && settings.url.is_empty() {
            gateways.extend(match shop {
                Some(_) => tables.open(config, env)?,
                None => tables.open_whatever_suits(config, env)?,
            });
            return Ok(Self { gateways, sandbox: None });
        }
        let secret = secret(config, db, env).await?;
        let sandbox = match shop {
            Some(shop) if !settings.listen.is_empty() => {
                Some(start(config, env, &secret, shop).await.context("the payment sandbox")?)
            }
            _ => None,
        };
        let base_url = match &sandbox {
            _ if !settings.url.is_empty() => settings.url.clone(),
            Some(sandbox) => sandbox.base_url(),
            None => format!("http://{}", settings.listen),
        };
        if settings.providers {
            tables = tables.with_published(&base_url, config, env);
        }
        // What was may be asked about also where the shop has stopped trading since.
        let open = if shop.is_some() {
            tables.open(config, env)?
        } else {
            tables.open_whatever_suits(config, env)?
        };
        let plain = SandboxSettings {
            base_url,
            secrets: vec![Secret::new(secret)],
            capture: settings.capture,
        };
        let plain = SandboxGateway::new(plain, env.clone()).context("the payment sandbox")?;
        gateways.push(Arc::new(plain));
        gateways.extend(open);
        Ok(Self { gateways, sandbox })
    }

    /// The payment providers that `config` names, to be asked about what was. Whether the shop
    /// still trades in what they take does not matter then.
    pub fn to_look_at(config: &Config, env: &Env) -> anyhow::Result<Vec<Arc<dyn Gateway>>> {
        let settings = &config.sandbox;
        let mut tables = config.gateways.clone();
        let base_url = match (settings.url.as_str(), settings.listen.as_str()) {
            ("", "") => None,
            ("", listen) => Some(format!("http://{listen}")),
            (url, _) => Some(url.to_owned()),
        };
        if let Some(base_url) = base_url.filter(|_| settings.providers) {
            tables = tables.with_published(&base_url, config, env);
        }
        tables.open_whatever_suits(config, env)
    }
}

async fn secret(config: &Config, db: &Db, env: &Env) -> anyhow::Result<String> {
    if !config.sandbox.secret.is_empty() {
        return Ok(config.sandbox.secret.clone());
    }
    let bytes = store::secrets::get_or_make(db, env, "sandbox").await?;
    Ok(store::idempotency::fingerprint(&bytes))
}

async fn start(
    config: &Config,
    env: &Env,
    secret: &str,
    shop: SocketAddr,
) -> anyhow::Result<Sandbox> {
    let settings = &config.sandbox;
    let listen = settings.listen.parse().context("sandbox.listen")?;
    let mut world = SandboxConfig::new(listen, secret, env.clone());
    world.data = (!settings.data.is_empty()).then(|| PathBuf::from(&settings.data));
    let here = reached_at(shop);
    if settings.providers && !here.ip().is_loopback() {
        tracing::warn!("the payment sandbox tells no news to {here}: the shop has to ask it");
    } else if settings.providers {
        let hook = |name: &str| Some(format!("http://{here}/hooks/{name}"));
        (world.yookassa_hook, world.stripe_hook) = (hook("yookassa"), hook("stripe"));
    }
    Ok(Sandbox::start(world).await?)
}

/// Where this machine itself reaches who listens at `address`.
pub fn reached_at(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_reached_here() {
        for (listens, reached) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reached_at(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
