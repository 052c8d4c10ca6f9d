//! A shop put together and running: database, use cases, gateways, jobs, server.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use flows::Shop;
use gateways::Gateway;
use identity::{Codes, Identity, PasswordPolicy};
use jobs::{Cashier, Jobs, Journal, Post};
use kernel::{Env, SignedDuration};
use sandbox::Sandbox;
use store::{Db, Options, Schema};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use url::Url;
use web::{Admission, App, Parts};

use crate::beside::{Beside, reached_at};
use crate::config::Config;
use crate::post::SecondFactor;

/// Connections that wait at the door to be accepted. More are dropped by the system and come back
/// a second later or after seven: a crowd that comes at one moment must find room. The system may
/// cut it (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;
/// How long background work may go on once nobody is served any more.
const GOODBYE: Duration = Duration::from_secs(5);

/// All tables of the shop.
pub fn schemas() -> Vec<&'static Schema> {
    flows::SCHEMAS.to_vec()
}

/// Opens the database that `config` names and brings its tables up to date.
pub fn open_database(config: &Config) -> anyhow::Result<Db> {
    let connections = config.database.connections;
    let options = Options { connections, ..Options::new(config.database.url.clone()) };
    Db::open(&options, &schemas()).map_err(|error| anyhow!(error))
}

/// Opens the database that `config` names only to look at it, beside whoever uses it.
pub fn look_into_database(config: &Config) -> anyhow::Result<Db> {
    let connections = config.database.connections;
    let options = Options { connections, ..Options::new(config.database.url.clone()) };
    Db::open_to_look(&options).map_err(|error| anyhow!(error))
}

/// Accounts and passwords under the configured policy.
pub fn identity(config: &Config, env: &Env) -> anyhow::Result<Identity> {
    let policy = PasswordPolicy {
        memory_kib: config.identity.password_memory_kib,
        passes: config.identity.password_passes,
    };
    let lasts = SignedDuration::from_mins(i64::from(config.identity.access_token_minutes));
    let identity = Identity::new(policy, env)?.with_access_lasting(lasts);
    Ok(match config.accounts.second_factor {
        SecondFactor::Required => identity,
        SecondFactor::Off => identity.with_optional_second_factor(),
    })
}

/// A shop that is ready to serve.
pub struct Running {
    /// The use cases.
    pub shop: Shop,
    /// Accounts.
    pub identity: Identity,
    /// Where it is reached.
    pub public_url: Url,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its payment sandbox is reached, if it started one.
    pub sandbox_url: Option<String>,
    app: App,
    jobs: Jobs,
    gateways: Vec<Arc<dyn Gateway>>,
    listener: TcpListener,
    sandbox: Option<Sandbox>,
}

impl Running {
    /// Puts everything together; nothing is answered before [`Running::serve`].
    pub async fn start(config: &Config, env: Env) -> anyhow::Result<Self> {
        let listener = bind(config.server.listen)?;
        let address = listener.local_addr()?;
        let public_url = if config.server.public_url.is_empty() {
            format!("http://{}/", reached_at(address))
        } else {
            format!("{}/", config.server.public_url.trim_end_matches('/'))
        };
        let public_url: Url = public_url.parse().context("server.public_url")?;
        let db = open_database(config)?;
        kernel::crash_point!("start.database-open");
        let Beside { gateways, sandbox } = Beside::open(config, &db, &env, Some(address)).await?;
        let names: Vec<&str> = gateways.iter().map(|gateway| gateway.name()).collect();
        let settings = config.settings(&names);
        let identity = identity(config, &env)?;
        let shop = Shop::open(db, env, settings).await?;
        kernel::crash_point!("start.shop-open");
        let cashier = Cashier::new(shop.clone(), gateways.clone(), public_url.clone());
        let terms = config.accounts.terms();
        let codes = Codes::open(&shop.db, &shop.env, identity.clone(), terms).await?;
        let post = Post::new(codes.clone(), crate::post::sender(config, &public_url)?);
        let jobs = Jobs::new(shop.clone(), cashier.clone(), vec![Arc::new(Journal)]);
        let jobs = jobs.with_post(post);
        let app = App::new(Parts {
            shop: shop.clone(),
            identity: identity.clone(),
            codes,
            cashier,
            public_url: public_url.clone(),
            media: config.media.directory.clone(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            limits: config.limits.of_shop(),
        });
        let sandbox_url = sandbox.as_ref().map(Sandbox::base_url);
        Ok(Self {
            shop,
            identity,
            public_url,
            address,
            sandbox_url,
            app,
            jobs,
            gateways,
            listener,
            sandbox,
        })
    }

    /// Serves until `stop`; then finishes what is under way and closes the database.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (say_stop, stopped) = watch::channel(false);
        kernel::crash_point!("start.ready");
        let jobs = tokio::spawn(self.jobs.run(stopped, GOODBYE));
        let probe = tokio::spawn(crate::gateways::probe(self.gateways));
        let admission = Admission::of_shop(&self.shop, self.public_url.scheme() == "https");
        web::serve(self.listener, web::router(self.app), admission, stop).await?;
        kernel::crash_point!("stop.served");
        probe.abort();
        // Nobody left to hear it means that the jobs have ended already.
        let _ = say_stop.send(true);
        jobs.await.context("the background work")?;
        if let Some(sandbox) = self.sandbox {
            sandbox.shutdown().await;
        }
        let db = self.shop.db.clone();
        drop(self.shop);
        kernel::crash_point!("stop.to-be-closed");
        tokio::task::spawn_blocking(move || db.close()).await?;
        kernel::crash_point!("stop.closed");
        Ok(())
    }
}

/// The gateways of a shop that runs elsewhere, for a command that asks them something.
pub async fn gateways_to_ask(
    config: &Config,
    db: &Db,
    env: &Env,
) -> anyhow::Result<Vec<Arc<dyn Gateway>>> {
    // The sandbox of a running shop is asked; no second one is started.
    Ok(Beside::open(config, db, env, None).await?.gateways)
}

/// The payment providers that `config` names, to be asked about what was. Whether the shop still
/// trades in what they take does not matter then.
pub fn gateways_to_look_at(config: &Config, env: &Env) -> anyhow::Result<Vec<Arc<dyn Gateway>>> {
    Beside::to_look_at(config, env)
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {} of {} is taken: stop what is using it, or choose another with --listen",
            address.port(),
            address.ip()
        ),
        _ => anyhow!("cannot listen on {address}: {error}"),
    })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As the standard library does: a restart need not wait for old connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
