//! All gateways a shop can be set up with, by the name of their part of the configuration. A new
//! one is a file of its own and a line here.

use std::sync::Arc;

use kernel::Env;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::alipay::Alipay;
use crate::cash::CashOnDelivery;
use crate::error::SetupError;
use crate::port::Gateway;
use crate::relay::Relayed;
use crate::secret::Secret;
use crate::stripe::Stripe;
use crate::yookassa::YooKassa;

type Opener = fn(&'static str, Value, Env) -> Result<Arc<dyn Gateway>, SetupError>;

const REGISTRY: [(&str, Opener); 4] = [
    ("stripe", |name, settings, env| open_with(name, settings, env, Stripe::new)),
    ("yookassa", |name, settings, env| open_with(name, settings, env, YooKassa::new)),
    ("alipay", |name, settings, env| open_with(name, settings, env, Alipay::new)),
    ("cash_on_delivery", |name, settings, env| {
        open_with(name, settings, env, CashOnDelivery::with)
    }),
];

/// The setting that any gateway may have: see [`Relayed`].
const RELAY_SECRETS: &str = "relay_secrets";

/// The names there are, in the order in which shops offer them.
pub fn names() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|(name, _)| *name)
}

/// Sets up the gateway of this name. Connects to nothing yet.
pub fn open(
    name: &str,
    mut settings: Map<String, Value>,
    env: &Env,
) -> Result<Arc<dyn Gateway>, SetupError> {
    let Some((name, open)) = REGISTRY.iter().find(|(known, _)| *known == name) else {
        let known = names().collect::<Vec<_>>().join(", ");
        return Err(SetupError::NoSuchGateway { name: name.to_owned(), known });
    };
    let relay_secrets = settings.remove(RELAY_SECRETS);
    let gateway = open(name, Value::Object(settings), env.clone())?;
    let Some(secrets) = relay_secrets else { return Ok(gateway) };
    Ok(Arc::new(Relayed::new(gateway, read::<Vec<Secret>>(name, secrets)?)?))
}

fn open_with<S: DeserializeOwned, G: Gateway>(
    name: &'static str,
    settings: Value,
    env: Env,
    make: fn(S, Env) -> Result<G, SetupError>,
) -> Result<Arc<dyn Gateway>, SetupError> {
    Ok(Arc::new(make(read(name, settings)?, env)?))
}

fn read<S: DeserializeOwned>(gateway: &'static str, settings: Value) -> Result<S, SetupError> {
    S::deserialize(settings)
        .map_err(|error| SetupError::BadSetting { gateway, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;
    use serde_json::json;

    use super::*;

    fn opened(name: &str, settings: Value) -> Result<&'static str, String> {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let Value::Object(settings) = settings else { panic!("a table") };
        let opened = open(name, settings, &env);
        opened.map(|gateway| gateway.name()).map_err(|error| error.to_string())
    }

    fn yookassa() -> Value {
        json!({ "mode": "test", "shop_id": "1", "secret_key": "test_a" })
    }

    #[test]
    fn every_gateway_goes_by_its_own_name() {
        assert_eq!(opened("yookassa", yookassa()), Ok("yookassa"));
        assert_eq!(opened("cash_on_delivery", json!({})), Ok("cash_on_delivery"));
        let stripe =
            json!({ "mode": "test", "secret_key": "sk_test_a", "endpoint_secrets": ["whsec_a"] });
        assert_eq!(opened("stripe", stripe), Ok("stripe"));
        let alipay = json!({
            "mode": "test", "base_url": "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
            "app_id": "1", "seller_id": "2",
            "app_private_key": include_str!("../tests/keys/app_private_pkcs1.pem"),
            "alipay_public_keys": [include_str!("../tests/keys/alipay_public.pem")],
        });
        assert_eq!(opened("alipay", alipay), Ok("alipay"));
    }

    #[test]
    fn what_is_wrong_is_named_and_secrets_are_not() {
        let change = |name: &str, value: Value| {
            let mut settings = yookassa();
            settings[name] = value;
            opened("yookassa", settings).unwrap_err()
        };
        let missing = opened("yookassa", json!({ "mode": "test" })).unwrap_err();
        assert!(missing.contains("yookassa") && missing.contains("shop_id"), "{missing}");
        assert!(change("shop", json!("1")).contains("unknown field `shop`"));
        assert!(change("mode", json!("real")).contains("unknown variant"));
        assert!(change("capture", json!("later")).contains("unknown variant"));
        assert!(change("sources", json!(["1.2.3.4/40"])).contains("invalid"));
        let unknown = opened("paypal", json!({})).unwrap_err();
        assert!(
            unknown.contains("paypal")
                && unknown.contains("stripe, yookassa, alipay, cash_on_delivery"),
            "{unknown}"
        );
        assert!(!change("shop_id", json!("x")).contains("test_a"));
    }

    #[test]
    fn any_of_them_may_stand_behind_a_relay() {
        let mut settings = yookassa();
        settings[RELAY_SECRETS] = json!(["a-secret-of-some-length"]);
        assert_eq!(opened("yookassa", settings.clone()), Ok("yookassa"));
        for wrong in [json!([]), json!(["short"]), json!("text")] {
            settings[RELAY_SECRETS] = wrong;
            assert!(opened("yookassa", settings.clone()).is_err());
        }
    }
}
