//! `[gateways.…]`: one table for each payment provider, there or not. A value may be kept out of
//! the configuration: `secret_key_file = "path"` reads it from a file, `secret_key_env = "NAME"`
//! from the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use gateways::{Currencies, Gateway, GatewayError, Health, Identity};
use kernel::{Currency, Env, SignedDuration};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::Config;

/// The cash gateway is there without a table too, as long as `[checkout]` offers it.
const CASH: &str = flows::CASH_ON_DELIVERY;

/// How far clocks may differ before somebody should set one.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// `[gateways]`
#[derive(Deserialize, Clone, Default)]
#[serde(transparent)]
pub struct Tables(BTreeMap<String, Map<String, Value>>);

/// Names only: what is in the tables may be secret.
impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Tables {
    /// Sets up every gateway that has a table, and cash on delivery if it is offered. Connects to
    /// nothing yet.
    pub fn open(&self, config: &Config, env: &Env) -> anyhow::Result<Vec<Arc<dyn Gateway>>> {
        let open = self.open_whatever_suits(config, env)?;
        open.iter().try_for_each(|gateway| suits(gateway.as_ref(), config))?;
        Ok(open)
    }

    /// As [`Tables::open`], also those that the shop cannot trade with any more.
    pub fn open_whatever_suits(
        &self,
        config: &Config,
        env: &Env,
    ) -> anyhow::Result<Vec<Arc<dyn Gateway>>> {
        let offers_cash = config.checkout.cash_on_delivery;
        let mut tables = self.0.clone();
        if offers_cash {
            tables.entry(CASH.to_owned()).or_default();
        } else if tables.contains_key(CASH) {
            bail!("[gateways.{CASH}] is set up, and checkout.cash_on_delivery is false");
        }
        let mut open = Vec::new();
        for (name, table) in tables {
            let settings =
                resolved(table, &variable).with_context(|| format!("[gateways.{name}]"))?;
            let gateway = gateways::open(&name, settings, env).map_err(|error| anyhow!(error))?;
            open.push(gateway);
        }
        Ok(open)
    }
}

/// Whether the shop and the provider can trade.
fn suits(gateway: &dyn Gateway, config: &Config) -> anyhow::Result<()> {
    let (name, can) = (gateway.name(), gateway.capabilities());
    let currency = config.checkout.currency;
    if let Currencies::Only(takes) = can.currencies
        && !takes.contains(&currency)
        && !takes.iter().any(|it| config.checkout.rates.contains_key(it.code()))
    {
        let takes = takes.iter().map(Currency::code).collect::<Vec<_>>().join(", ");
        bail!(
            "[gateways.{name}] takes no {currency}, and the shop trades in it: say under \
             [checkout.rates] what one {currency} costs in what it takes ({takes})"
        );
    }
    let minutes = can.payer_term.start().as_secs() / 60;
    let wait = config.checkout.payment_minutes;
    if can.needs_redirect && minutes > u64::from(wait) {
        tracing::warn!(
            "{name} lets a payer pay for {minutes} minutes, an order waits for {wait}: who pays \
             later gets the money back unless the goods are still there; raise \
             checkout.payment_minutes to avoid it"
        );
    }
    Ok(())
}

/// Asks every provider whether it knows us, and says in the log what is wrong. The shop is open
/// meanwhile: an order can wait for its payment, a buyer cannot wait for a provider.
pub async fn probe(gateways: Vec<Arc<dyn Gateway>>) {
    for gateway in gateways {
        let (name, ours) = (gateway.name(), gateway.identity());
        match gateway.probe(gateways::WORKER_PATIENCE).await {
            Ok(health) => wrongs(&ours, &health).iter().for_each(|wrong| {
                tracing::error!(gateway = name, "{wrong}");
            }),
            Err(GatewayError::Unsupported) => {}
            Err(error) => {
                tracing::error!(gateway = name, %error, "not known there, or not to be asked");
            }
        }
    }
}

/// What a probe found that is not as the settings say.
fn wrongs(ours: &Identity, found: &Health) -> Vec<String> {
    let mut wrongs = Vec::new();
    if let (Some(ours), Some(theirs)) = (&ours.payee, &found.payee)
        && ours != theirs
    {
        wrongs.push(format!("the secret belongs to {theirs}, the settings say {ours}"));
    }
    if let (Some(ours), Some(theirs)) = (ours.test, found.test)
        && ours != theirs
    {
        wrongs.push("the settings and the provider disagree whether this is real money".to_owned());
    }
    if let Some(ahead) = found.clock_ahead.filter(|ahead| ahead.abs() > CLOCK_TOLERANCE) {
        let seconds = ahead.as_secs();
        wrongs
            .push(format!("this clock is {seconds} s ahead of theirs: signatures will be refused"));
    }
    wrongs
}

/// The table with files and variables read.
fn resolved(
    table: Map<String, Value>,
    variable: &dyn Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<Map<String, Value>> {
    let mut settings = Map::new();
    for (key, value) in table {
        let (key, value) = if let Some(key) = key.strip_suffix("_file") {
            let read = |path: &str| {
                let text = std::fs::read_to_string(Path::new(path));
                text.with_context(|| format!("{key}_file: cannot read {path}"))
            };
            (key.to_owned(), each(value, &read).with_context(|| key.to_owned())?)
        } else if let Some(key) = key.strip_suffix("_env") {
            (key.to_owned(), each(value, variable).with_context(|| format!("{key}_env"))?)
        } else {
            (key, value)
        };
        if settings.contains_key(&key) {
            bail!("{key} is given twice");
        }
        settings.insert(key, value);
    }
    Ok(settings)
}

/// What `read` makes of a name, or of each name in a list. The line end of a file is not part of
/// a secret.
fn each(value: Value, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Value> {
    match value {
        Value::String(name) => Ok(Value::String(read(&name)?.trim_end().to_owned())),
        Value::Array(names) => names
            .into_iter()
            .map(|name| each(name, read))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        _ => bail!("names a file or a variable, in quotes"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads secrets from there")]
fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("the variable {name} is not set"))
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;
    use crate::cli::Settings;

    const APP_KEY: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../gateways/tests/keys/app_private_pkcs1.pem");
    const THEIR_KEY: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../gateways/tests/keys/alipay_public.pem");

    /// The gateways of a shop with this in its configuration file.
    fn open(text: &str, set: &[&str]) -> anyhow::Result<(Config, Vec<Arc<dyn Gateway>>)> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shop.toml");
        std::fs::write(&path, text)?;
        let set = set.iter().map(|&single| single.to_owned()).collect();
        let config = Config::load(&Settings { config: Some(path), set })?;
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let gateways = config.gateways.open(&config, &env)?;
        Ok((config, gateways))
    }

    fn names(text: &str, set: &[&str]) -> Vec<&'static str> {
        open(text, set).unwrap().1.iter().map(|gateway| gateway.name()).collect()
    }

    fn complaint(text: &str, set: &[&str]) -> String {
        format!("{:#}", open(text, set).err().unwrap())
    }

    const YOOKASSA: &str = "[gateways.yookassa]\nmode = \"test\"\nshop_id = \"100500\"\nsecret_key = \"test_secret\"\n";

    #[test]
    fn only_what_has_a_table_is_there() {
        assert_eq!(names("", &[]), ["cash_on_delivery"]);
        assert!(names("", &["checkout.cash_on_delivery=false"]).is_empty());
        let rouble = ["checkout.currency=RUB", "checkout.cash_on_delivery=false"];
        assert_eq!(names(YOOKASSA, &rouble), ["yookassa"]);
        let rated = ["checkout.rates.RUB=101.25", "checkout.cash_on_delivery=false"];
        assert_eq!(names(YOOKASSA, &rated), ["yookassa"]);
        let limited = "[gateways.cash_on_delivery]\nmax_minor = 10000\n";
        let (_, gateways) = open(limited, &[]).unwrap();
        assert_eq!(gateways[0].capabilities().amount_minor, 1..=10_000);
    }

    #[test]
    fn secrets_come_from_files_and_are_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "test_from_a_file\n").unwrap();
        let secret = secret.display();
        let text = format!(
            "[gateways.yookassa]\nmode = \"test\"\nshop_id = \"1\"\nsecret_key_file = \"{secret}\"\n\
             [gateways.alipay]\nmode = \"test\"\napp_id = \"1\"\nseller_id = \"2\"\n\
             base_url = \"http://127.0.0.1:1/gateway.do\"\napp_private_key_file = \"{APP_KEY}\"\n\
             alipay_public_keys_file = [\"{THEIR_KEY}\"]\n"
        );
        let table: toml::Table = text.parse().unwrap();
        let tables: Tables = table["gateways"].clone().try_into().unwrap();
        let settings = resolved(tables.0["yookassa"].clone(), &variable).unwrap();
        assert_eq!(settings["secret_key"], "test_from_a_file");
        assert_eq!(
            names(text.split("[gateways.alipay]").next().unwrap(), &["checkout.currency=RUB"]),
            ["cash_on_delivery", "yookassa"]
        );
        let alipay =
            format!("[gateways.alipay]{}", text.split("[gateways.alipay]").nth(1).unwrap());
        assert_eq!(names(&alipay, &["checkout.currency=CNY"]), ["alipay", "cash_on_delivery"]);
        let shown = format!("{:?}", open(YOOKASSA, &["checkout.currency=RUB"]).unwrap().0);
        assert!(shown.contains("yookassa") && !shown.contains("test_secret"), "{shown}");
    }

    #[test]
    fn secrets_come_from_the_environment() {
        let table = "secret_key_env = [\"A\", \"B\"]\nmode = \"test\"\n".parse::<toml::Table>();
        let Ok(Value::Object(table)) = serde_json::to_value(table.unwrap()) else { panic!() };
        let given = resolved(table, &|name| Ok(format!("value of {name}"))).unwrap();
        assert_eq!(given["secret_key"], serde_json::json!(["value of A", "value of B"]));
    }

    #[test]
    fn p21_a_probe_that_contradicts_the_settings_is_told() {
        let ours = Identity { payee: Some("1".to_owned()), test: Some(true) };
        let found = |payee: &str, test, seconds| Health {
            payee: Some(payee.to_owned()),
            test: Some(test),
            clock_ahead: Some(SignedDuration::from_secs(seconds)),
            ..Health::default()
        };
        for seconds in [0, 30, -30] {
            assert!(wrongs(&ours, &found("1", true, seconds)).is_empty());
        }
        assert!(wrongs(&ours, &Health::default()).is_empty());
        assert!(wrongs(&ours, &found("2", true, 0))[0].contains("belongs to 2"));
        assert!(wrongs(&ours, &found("1", false, 0))[0].contains("real money"));
        assert!(wrongs(&ours, &found("1", true, 31))[0].contains("31 s ahead"));
        assert!(wrongs(&ours, &found("1", true, -31))[0].contains("-31 s ahead"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rouble = ["checkout.currency=RUB"];
        let twice = format!("{YOOKASSA}secret_key_file = \"{APP_KEY}\"\n");
        let nowhere =
            YOOKASSA.replace("secret_key = \"test_secret\"", "secret_key_file = \"/no/where\"");
        let unset = YOOKASSA
            .replace("secret_key = \"test_secret\"", "secret_key_env = \"HOLDFAST_NO_SUCH\"");
        let number = YOOKASSA.replace("secret_key = \"test_secret\"", "secret_key_env = 7");
        let live = YOOKASSA.replace("\"test\"", "\"live\"");
        for (text, set, says) in [
            (YOOKASSA, &[][..], "takes no EUR"),
            (YOOKASSA, &["checkout.rates.CNY=8.31"], "what one EUR costs in what it takes (RUB)"),
            (&twice, &rouble, "secret_key is given twice"),
            (&nowhere, &rouble, "cannot read /no/where"),
            (&unset, &rouble, "HOLDFAST_NO_SUCH is not set"),
            (&number, &rouble, "in quotes"),
            (&live, &rouble, "play money"),
            ("[gateways.paypal]\n", &[], "there are alipay, cash_on_delivery, stripe, yookassa"),
            ("[gateways.stripe]\n", &[], "missing field"),
            ("[gateways]\nstripe = 1\n", &[], "stripe"),
            (
                "[gateways.cash_on_delivery]\n",
                &["checkout.cash_on_delivery=false"],
                "checkout.cash_on_delivery is false",
            ),
        ] {
            let said = complaint(text, set);
            assert!(said.contains(says) && !said.contains("test_secret"), "{text}: {said}");
        }
    }
}
