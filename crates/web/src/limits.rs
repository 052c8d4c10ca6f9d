//! How often somebody may ask: by the address a request comes from, and by the account it is for.
//!
//! Admission looks at how much the shop can do; this looks at how much one of many takes. Counted
//! on each node for itself. An address is an IPv4 address or the 64 bits of an IPv6 one that a
//! subscriber has; it is counted in one of [`PLACES`] places, so that no crowd of addresses takes
//! more memory than that. What is guessed at one account from many addresses is counted where
//! passwords and codes are.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{Method, StatusCode};
use ipnet::IpNet;
use kernel::{AccountId, Env};

use crate::problem::Problem;
use crate::{App, shop, source};

/// Places in which addresses are counted; some megabytes for each kind of request.
const PLACES: u64 = 1 << 18;

/// How often somebody may ask in a minute; 0 for as often as they like.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Signing in, from one address.
    pub sign_in: u32,
    /// Codes by mail or phone, asked for or tried, from one address.
    pub codes: u32,
    /// New accounts from one address.
    pub registration: u32,
    /// Refreshing tokens, from one address.
    pub refresh: u32,
    /// Anything, from one address.
    pub everything: u32,
    /// Anything, with the tokens of one account.
    pub account: u32,
    /// Addresses that are not counted.
    pub exempt: Vec<IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_in: 20,
            codes: 10,
            registration: 10,
            refresh: 30,
            everything: 1200,
            account: 1200,
            exempt: Vec::new(),
        }
    }
}

/// What is counted apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    SignIn,
    Codes,
    Registration,
    Refresh,
}

type Limiter = RateLimiter<u64, HashMapStateStore<u64>, Moments, NoOpMiddleware<Nanos>>;

/// Counts. One for a process.
pub(crate) struct Counters {
    classes: [Option<Limiter>; 4],
    everything: Option<Limiter>,
    account: Option<Limiter>,
    exempt: Vec<IpNet>,
    /// So that nobody can choose who they are counted with.
    salt: [u8; 16],
}

/// The time as the library wants it.
#[derive(Clone)]
struct Moments(Env);

impl Clock for Moments {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let nanos = self.0.now().as_nanosecond();
        Nanos::new(u64::try_from(nanos).unwrap_or(0))
    }
}

/// Stands in a request that is counted.
#[derive(Clone, Copy)]
pub(crate) struct Counted;

impl Counters {
    pub(crate) fn new(limits: &Limits, env: &Env) -> Self {
        let limiter = |in_a_minute: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(in_a_minute)?);
            Some(RateLimiter::new(quota, HashMapStateStore::default(), Moments(env.clone())))
        };
        let Limits { sign_in, codes, registration, refresh, .. } = *limits;
        Self {
            classes: [sign_in, codes, registration, refresh].map(limiter),
            everything: limiter(limits.everything),
            account: limiter(limits.account),
            exempt: limits.exempt.clone(),
            salt: env.bytes(),
        }
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|net| net.contains(&address))
    }

    fn of_address(&self, class: Option<Class>, address: IpAddr) -> Result<(), Problem> {
        let place = match address {
            IpAddr::V4(address) => self.place(&address.octets()),
            IpAddr::V6(address) => self.place(&address.octets()[..8]),
        };
        if let Some(class) = class {
            take(self.classes[class as usize].as_ref(), place)?;
        }
        take(self.everything.as_ref(), place)
    }

    /// Counts a request of an account.
    pub(crate) fn of_account(&self, account: AccountId) -> Result<(), Problem> {
        take(self.account.as_ref(), self.place(account.0.as_bytes()))
    }

    fn place(&self, whose: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.salt, whose).hash(&mut hasher);
        hasher.finish() % PLACES
    }
}

fn take(limiter: Option<&Limiter>, place: u64) -> Result<(), Problem> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(&place).map_err(|until| too_many(until.wait_time_from(limiter.clock().now())))
}

fn too_many(wait: Duration) -> Problem {
    let detail = "too many requests from here: wait a little and try again";
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    problem.retry_after = Some(seconds);
    problem
}

/// The layer that counts. What gateways send is not counted: it is known by its signature, and
/// comes from few addresses for everybody.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let peer = request.extensions().get::<SocketAddr>().map(SocketAddr::ip);
    // Where a proxy of ours does not say who is behind it, the proxy is counted.
    let address = peer
        .and_then(|peer| source::of(peer, request.headers(), &app.trusted_proxies).or(Some(peer)));
    let counters = app.counters();
    if let Some(address) = address
        && !path.starts_with("/hooks/")
        && !counters.is_exempt(address)
    {
        let class = class(request.method(), path);
        if let Err(problem) = counters.of_address(class, address.to_canonical()) {
            tracing::info!(%address, ?class, "asked too often");
            return shop::told(path, problem);
        }
        request.extensions_mut().insert(Counted);
    }
    next.run(request).await
}

/// What a request is counted as, beside everything.
fn class(method: &Method, path: &str) -> Option<Class> {
    if method != Method::POST {
        return None;
    }
    let call = path.strip_prefix("/api/v1").unwrap_or(path);
    match call {
        "/sessions" | "/login" => Some(Class::SignIn),
        "/sessions/refresh" => Some(Class::Refresh),
        "/accounts" | "/register" => Some(Class::Registration),
        // Whatever has to do with codes and forgotten passwords.
        _ if ["code", "reset", "forgotten"].iter().any(|word| call.contains(word)) => {
            Some(Class::Codes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kernel::SignedDuration;

    use super::*;

    #[test]
    fn each_address_has_its_own_share_and_gets_it_again() {
        let (env, clock) = Env::manual("2027-01-15T08:00:00Z".parse().unwrap(), 7);
        let limits = Limits { sign_in: 3, everything: 5, ..Limits::default() };
        let counters = Counters::new(&limits, &env);
        let ask = |class, address: &str| counters.of_address(class, address.parse().unwrap());
        let sign_in = Some(Class::SignIn);
        for _ in 0..3 {
            ask(sign_in, "192.0.2.1").unwrap();
        }
        let refused = ask(sign_in, "192.0.2.1").unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (429, "too-many-requests"));
        assert_eq!(refused.retry_after, Some(21), "one in twenty seconds");
        ask(None, "192.0.2.1").unwrap();
        ask(None, "192.0.2.1").unwrap();
        assert!(ask(None, "192.0.2.1").is_err(), "everything is counted together");
        ask(sign_in, "192.0.2.2").unwrap();
        ask(sign_in, "2001:db8:1:1::1").unwrap();
        ask(sign_in, "2001:db8:1:1::2").unwrap();
        ask(sign_in, "2001:db8:1:1:ffff::3").unwrap();
        assert!(ask(sign_in, "2001:db8:1:1::4").is_err(), "one subscriber");
        ask(sign_in, "2001:db8:1:2::1").unwrap();
        clock.advance(SignedDuration::from_secs(20));
        ask(sign_in, "192.0.2.1").unwrap();
        assert!(ask(sign_in, "192.0.2.1").is_err());
    }

    #[test]
    fn no_limit_is_no_limit() {
        let (env, _) = Env::manual("2027-01-15T08:00:00Z".parse().unwrap(), 7);
        let limits = Limits { sign_in: 0, everything: 0, ..Limits::default() };
        let counters = Counters::new(&limits, &env);
        for _ in 0..10_000 {
            counters.of_address(Some(Class::SignIn), "192.0.2.1".parse().unwrap()).unwrap();
        }
    }

    #[test]
    fn requests_are_counted_as_what_they_are() {
        for (method, path, counted) in [
            (Method::POST, "/api/v1/sessions", Some(Class::SignIn)),
            (Method::POST, "/login", Some(Class::SignIn)),
            (Method::GET, "/login", None),
            (Method::POST, "/api/v1/sessions/refresh", Some(Class::Refresh)),
            (Method::POST, "/api/v1/accounts", Some(Class::Registration)),
            (Method::POST, "/api/v1/codes", Some(Class::Codes)),
            (Method::POST, "/forgotten", Some(Class::Codes)),
            (Method::POST, "/api/v1/orders", None),
        ] {
            assert_eq!(class(&method, path), counted, "{method} {path}");
        }
    }
}
