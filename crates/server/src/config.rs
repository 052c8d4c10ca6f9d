//! Configuration: the defaults in `holdfast.default.toml`, a file, single values; each stronger
//! than the one before. Unknown options are refused by name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use gateways::CaptureMode;
use ipnet::IpNet;
use kernel::{Currency, Rate, SignedDuration};
use serde::Deserialize;
use toml::{Table, Value};

use crate::cli::Settings;
use crate::gateways::Tables;
pub use crate::post::{Accounts, Mail, Sms};

/// The file with every option, its default and a sentence.
pub const DEFAULTS: &str = include_str!("../../../holdfast.default.toml");

/// All options.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[media]`
    pub media: Media,
    /// `[identity]`
    pub identity: Identity,
    /// `[limits]`
    pub limits: Limits,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[mail]`
    pub mail: Mail,
    /// `[sms]`
    pub sms: Sms,
    /// `[checkout]`
    pub checkout: Checkout,
    /// `[receipts]`
    pub receipts: Receipts,
    /// `[sandbox]`
    pub sandbox: Sandbox,
    /// `[gateways.…]`
    #[serde(default)]
    pub gateways: Tables,
    /// `[log]`
    pub log: Log,
}

/// `[server]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where the shop listens.
    pub listen: SocketAddr,
    /// Where it is reached; empty for the address above.
    pub public_url: String,
    /// Addresses of proxies whose word is taken for who is behind them.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[database]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:<path>` or `postgres://…`.
    pub url: String,
    /// Connections that read.
    pub connections: usize,
}

/// `[media]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Where pictures lie.
    pub directory: PathBuf,
}

/// `[identity]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Memory of one password hash.
    pub password_memory_kib: u32,
    /// Passes over it.
    pub password_passes: u32,
    /// Minutes that an access token is good.
    pub access_token_minutes: u32,
}

/// `[limits]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Sign-ins from one address.
    pub sign_in_per_minute: u32,
    /// Codes from one address.
    pub codes_per_minute: u32,
    /// New accounts from one address.
    pub registration_per_minute: u32,
    /// Refreshed tokens from one address.
    pub refresh_per_minute: u32,
    /// Anything from one address.
    pub everything_per_minute: u32,
    /// Anything with the tokens of one account.
    pub account_per_minute: u32,
    /// Addresses that are not counted.
    pub exempt: Vec<IpNet>,
}

impl Limits {
    /// As the server counts.
    pub fn of_shop(&self) -> web::Limits {
        web::Limits {
            sign_in: self.sign_in_per_minute,
            codes: self.codes_per_minute,
            registration: self.registration_per_minute,
            refresh: self.refresh_per_minute,
            everything: self.everything_per_minute,
            account: self.account_per_minute,
            exempt: self.exempt.clone(),
        }
    }
}

/// `[checkout]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// ISO 4217.
    pub currency: Currency,
    /// Minutes a cart's units are held.
    pub hold_minutes: u32,
    /// Times a hold is extended.
    pub hold_extensions: u32,
    /// Minutes a quote is good.
    pub quote_minutes: u32,
    /// Minutes an order waits for its payment.
    pub payment_minutes: u32,
    /// Delivery, in minor units.
    pub shipping_minor: u32,
    /// Whether cash on delivery is offered.
    pub cash_on_delivery: bool,
    /// Whether money is reserved first, where a gateway can.
    pub two_stage: bool,
    /// What one unit of the shop's currency costs in others.
    pub rates: BTreeMap<String, Value>,
}

/// `[receipts]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// The goods' tax rate; 0 for no receipts.
    pub vat_code: u8,
    /// The delivery's.
    pub delivery_vat_code: u8,
    /// The tax system; 0 for none.
    pub tax_system: u8,
}

/// `[sandbox]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Where it listens; empty for none.
    pub listen: String,
    /// One that runs elsewhere.
    pub url: String,
    /// The shared secret; empty for a generated one.
    pub secret: String,
    /// Where it keeps its books; empty for memory.
    pub data: String,
    /// Whether its own gateway takes money at once, or holds it first.
    pub capture: CaptureMode,
    /// Whether it stands in for the real providers too.
    pub providers: bool,
}

/// `[log]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A filter.
    pub level: String,
    /// `text` or `json`.
    pub format: String,
}

impl Receipts {
    fn terms(&self) -> Option<flows::Receipts> {
        let Self { vat_code, delivery_vat_code, tax_system } = *self;
        let tax_system = Some(tax_system).filter(|system| *system > 0);
        (vat_code > 0).then_some(flows::Receipts { vat_code, delivery_vat_code, tax_system })
    }
}

impl Checkout {
    /// The rates, if each of them is one.
    fn rates(&self) -> anyhow::Result<BTreeMap<Currency, Rate>> {
        let read = |(code, value): (&String, &Value)| {
            let option = format!("checkout.rates.{code}");
            let currency: Currency = code.parse().with_context(|| option.clone())?;
            if currency == self.currency {
                bail!("{option}: {code} is the currency of the shop and needs no rate");
            }
            let Value::String(text) = value else {
                bail!("{option} is written in quotes, such as \"101.25\", so that it is exact");
            };
            let rate = text.parse::<Rate>().with_context(|| format!("{option} = \"{text}\""))?;
            Ok((currency, rate))
        };
        self.rates.iter().map(read).collect()
    }
}

impl Config {
    /// The defaults, the file and the single values that `settings` names.
    pub fn load(settings: &Settings) -> anyhow::Result<Self> {
        let mut table = defaults()?;
        if let Some(path) = &settings.config {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let file = text.parse().with_context(|| format!("{}", path.display()))?;
            merge(&mut table, file);
        }
        Self::of(table, &settings.set)
    }

    /// The defaults with `file` over them, and single values over that; and what a file has to say
    /// so that another command finds the same.
    pub fn over_defaults(file: Table, set: &[String]) -> anyhow::Result<(Self, Table)> {
        let mut table = defaults()?;
        merge(&mut table, file);
        for single in set {
            self::set(&mut table, single)?;
        }
        let said = difference(&table, &defaults()?);
        Ok((Self::of(table, &[])?, said))
    }

    fn of(mut table: Table, set: &[String]) -> anyhow::Result<Self> {
        for single in set {
            self::set(&mut table, single)?;
        }
        let config: Self = Value::Table(table).try_into().context("configuration")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let checkout = &self.checkout;
        for (name, minutes) in [
            ("hold_minutes", checkout.hold_minutes),
            ("quote_minutes", checkout.quote_minutes),
            ("payment_minutes", checkout.payment_minutes),
        ] {
            if !(1..=7 * 24 * 60).contains(&minutes) {
                bail!("checkout.{name} must be between 1 and 10080, not {minutes}");
            }
        }
        let minutes = self.identity.access_token_minutes;
        if !(1..=24 * 60).contains(&minutes) {
            bail!("identity.access_token_minutes must be between 1 and 1440, not {minutes}");
        }
        checkout.rates()?;
        let receipts = &self.receipts;
        for (name, value, range) in [
            ("vat_code", receipts.vat_code, 0..=12),
            ("delivery_vat_code", receipts.delivery_vat_code, 1..=12),
            ("tax_system", receipts.tax_system, 0..=6),
        ] {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                bail!("receipts.{name} must be between {least} and {most}, not {value}");
            }
        }
        if !(1..=64).contains(&self.database.connections) {
            bail!("database.connections must be between 1 and 64");
        }
        if !["text", "json"].contains(&self.log.format.as_str()) {
            bail!("log.format must be text or json, not {}", self.log.format);
        }
        Ok(())
    }

    /// What the use cases want to know; `gateways` are the names of those that are wired, and
    /// offered in this order; cash on delivery comes last.
    pub fn settings(&self, gateways: &[&str]) -> flows::Settings {
        let checkout = &self.checkout;
        // They were looked at when the configuration was read.
        let rates = checkout.rates().unwrap_or_default();
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        let mut methods: Vec<String> = gateways.iter().map(|&name| name.to_owned()).collect();
        methods.sort_by_key(|name| name == flows::CASH_ON_DELIVERY);
        flows::Settings {
            currency: checkout.currency,
            rates,
            hold: minutes(checkout.hold_minutes),
            hold_extensions_max: i64::from(checkout.hold_extensions),
            quote: minutes(checkout.quote_minutes),
            payment: minutes(checkout.payment_minutes),
            two_stage: checkout.two_stage,
            receipts: self.receipts.terms(),
            shipping: i64::from(checkout.shipping_minor),
            methods,
        }
    }
}

fn defaults() -> anyhow::Result<Table> {
    DEFAULTS.parse().context("the built-in defaults")
}

/// What in `table` is not as in `usual`.
fn difference(table: &Table, usual: &Table) -> Table {
    let mut different = Table::new();
    for (key, value) in table {
        match (value, usual.get(key)) {
            (value, Some(usual)) if value == usual => {}
            (Value::Table(table), Some(Value::Table(usual))) => {
                different.insert(key.clone(), Value::Table(difference(table, usual)));
            }
            _ => {
                different.insert(key.clone(), value.clone());
            }
        }
    }
    different
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// `section.option=value`; the value takes the type the default has.
fn set(table: &mut Table, single: &str) -> anyhow::Result<()> {
    let (path, text) = single
        .split_once('=')
        .ok_or_else(|| anyhow!("`{single}` is not of the form section.option=value"))?;
    let unknown = || anyhow!("there is no option `{path}` (see `holdfast config`)");
    let (section, option) = path.split_once('.').ok_or_else(unknown)?;
    let section = table.get_mut(section).and_then(Value::as_table_mut).ok_or_else(unknown)?;
    if let Some((inner, key)) = option.split_once('.') {
        let inner = section.get_mut(inner).and_then(Value::as_table_mut).ok_or_else(unknown)?;
        inner.insert(key.to_owned(), Value::String(text.to_owned()));
        return Ok(());
    }
    let old = section.get_mut(option).ok_or_else(unknown)?;
    *old = match old {
        Value::Integer(_) => Value::Integer(
            text.parse().map_err(|_| anyhow!("{path} is a whole number, not `{text}`"))?,
        ),
        Value::Boolean(_) => Value::Boolean(
            text.parse().map_err(|_| anyhow!("{path} is true or false, not `{text}`"))?,
        ),
        _ => Value::String(text.to_owned()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(set: &[&str]) -> anyhow::Result<Config> {
        let set = set.iter().map(|&s| s.to_owned()).collect();
        Config::load(&Settings { config: None, set })
    }

    #[test]
    fn the_defaults_are_whole() {
        let config = load(&[]).unwrap();
        assert_eq!(config.checkout.hold_minutes, 15);
        assert_eq!(
            config.settings(&["cash_on_delivery", "sandbox"]).methods,
            ["sandbox", "cash_on_delivery"]
        );
        assert!(config.settings(&[]).rates.is_empty());
    }

    #[test]
    fn single_values_are_stronger_and_typed() {
        let config = load(&["checkout.hold_minutes=3", "database.url=postgres://x/y"]).unwrap();
        assert_eq!(config.checkout.hold_minutes, 3);
        assert_eq!(config.database.url, "postgres://x/y");
        let config = load(&["checkout.rates.RUB=101.25"]).unwrap();
        assert_eq!(config.settings(&[]).rates[&Currency::RUB].to_string(), "101.25");
    }

    #[test]
    fn what_is_said_to_another_command_is_what_is_different() {
        let file: Table = "[server]\nlisten = \"127.0.0.1:1\"\n[checkout]\ncurrency = \"EUR\"\n\
                           [gateways.stripe]\nmode = \"test\"\n"
            .parse()
            .unwrap();
        let set = ["checkout.hold_minutes=3".to_owned(), "log.level=warn".to_owned()];
        let (config, said) = Config::over_defaults(file, &set).unwrap();
        assert_eq!(config.checkout.hold_minutes, 3);
        let expected: Table = "[server]\nlisten = \"127.0.0.1:1\"\n[checkout]\nhold_minutes = 3\n\
                               [gateways.stripe]\nmode = \"test\"\n"
            .parse()
            .unwrap();
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (set, says) in [
            ("checkout.hold_minutes=soon", "checkout.hold_minutes is a whole number"),
            ("checkout.hold=3", "no option `checkout.hold`"),
            ("hold_minutes=3", "no option `hold_minutes`"),
            ("nonsense", "section.option=value"),
            ("checkout.hold_minutes=0", "between 1 and 10080"),
            ("checkout.currency=euro", "three capital letters"),
            ("log.format=xml", "text or json"),
            ("receipts.vat_code=13", "receipts.vat_code must be between 0 and 12, not 13"),
            ("receipts.delivery_vat_code=0", "between 1 and 12"),
            ("checkout.rate.RUB=1", "no option `checkout.rate.RUB`"),
            ("checkout.rates=1", "checkout.rates"),
            ("checkout.rates.rub=1", "checkout.rates.rub: a currency is three capital letters"),
            ("checkout.rates.EUR=1", "EUR is the currency of the shop"),
            ("checkout.rates.RUB=0.00", "checkout.rates.RUB = \"0.00\": a rate must be above zero"),
            ("checkout.rates.RUB=-1", "a rate is digits"),
            ("checkout.rates.RUB=1e2", "a rate is digits"),
            ("checkout.rates.RUB=1.123456789", "at most 9 digits before the point and 8 after"),
        ] {
            let error = format!("{:#}", load(&[set]).unwrap_err());
            assert!(error.contains(says), "{set}: {error}");
        }
    }

    #[test]
    fn a_file_is_stronger_than_the_defaults_and_refused_where_unknown() {
        let directory = std::env::temp_dir();
        let path = directory.join(format!("holdfast-config-{}.toml", std::process::id()));
        let with = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::load(&Settings { config: Some(path.clone()), set: Vec::new() })
        };
        let config = with("[checkout]\nhold_minutes = 5\n").unwrap();
        assert_eq!((config.checkout.hold_minutes, config.checkout.quote_minutes), (5, 15));
        let config = with("[checkout.rates]\nRUB = \"101.2500\"\nCNY = \"8.31\"\n").unwrap();
        let rates = config.settings(&[]).rates;
        assert_eq!(rates[&Currency::RUB].to_string(), "101.25");
        assert_eq!(rates[&Currency::CNY].to_string(), "8.31");
        let error = format!("{:#}", with("[checkout.rates]\nRUB = 101.25\n").unwrap_err());
        assert!(error.contains("checkout.rates.RUB is written in quotes"), "{error}");
        let error = format!("{:#}", with("[checkout]\nholds = 5\n").unwrap_err());
        assert!(error.contains("holds"), "{error}");
        std::fs::remove_file(path).unwrap();
    }
}
