//! Ways to pay, in a buyer's words. Pure but for the list of what the shop offers.

use flows::CASH_ON_DELIVERY;
use payments::{Attempt, AttemptState, Method};

use super::show::Icon;
use crate::App;

/// The gateway of the plain protocol: for programs and for shops without a real one.
const PLAIN: &str = "sandbox";

/// A way to pay on a page, to be chosen.
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) words: &'static str,
    pub(crate) icon: Icon,
    pub(crate) chosen: bool,
}

/// The ways to pay that people are offered, in the shop's order. The plain sandbox stands back
/// where somebody else takes money over the web.
pub(crate) fn offered(app: &App) -> Vec<&str> {
    let names = app.shop.settings.methods.iter().map(String::as_str);
    let others = names.clone().any(|name| !matches!(name, PLAIN | CASH_ON_DELIVERY));
    names.filter(|name| *name != PLAIN || !others).collect()
}

/// Those of them that can be begun here and now, on a page.
pub(crate) fn online(app: &App) -> Vec<&str> {
    offered(app).into_iter().filter(|name| *name != CASH_ON_DELIVERY).collect()
}

/// `names` to choose from, the first marked unless `chosen` is one of them.
pub(crate) fn to_choose(names: &[&str], chosen: Option<&str>) -> Vec<Way> {
    let chosen = chosen.filter(|chosen| names.contains(chosen)).or(names.first().copied());
    let way = |name: &&str| {
        let (title, words, icon) = describe(name);
        let (title, name) = (title.to_owned(), (*name).to_owned());
        Way { chosen: chosen == Some(&name), name, title, words, icon }
    };
    names.iter().map(way).collect()
}

/// Name, what happens next, and icon of a way to pay.
pub(crate) fn describe(method: &str) -> (&str, &'static str, Icon) {
    match method {
        PLAIN => (
            "Test card",
            "You go to the payment sandbox and come back. No real money moves.",
            Icon::Card,
        ),
        "stripe" => {
            ("Card", "Visa, Mastercard and others. You go to Stripe and come back.", Icon::Card)
        }
        "yookassa" => (
            "YooKassa",
            "Mir and other cards, SBP, YooMoney. You go to YooKassa and come back.",
            Icon::Wallet,
        ),
        "alipay" => {
            ("Alipay", "With the app or your balance. You go to Alipay and come back.", Icon::Scan)
        }
        CASH_ON_DELIVERY => {
            ("Cash on delivery", "You pay the courier when the parcel arrives.", Icon::Cash)
        }
        other => (other, "You go to their page and come back.", Icon::Card),
    }
}

/// Who takes the money: `Stripe`.
pub(crate) fn taker(method: &str) -> &str {
    match method {
        "stripe" => "Stripe",
        other => describe(other).0,
    }
}

/// What it was paid with, to stand after "by": `Visa ending in 4242 through Stripe`.
pub(crate) fn paid_with(attempt: &Attempt) -> String {
    let method = attempt.method.as_deref();
    with(&attempt.gateway, method.and_then(|method| serde_json::from_str(method).ok()))
}

fn with(gateway: &str, method: Option<Method>) -> String {
    let taker = taker(gateway);
    let Some(method) = method else { return taker.to_owned() };
    let what = match (&method.brand, method.kind.as_str()) {
        (Some(brand), "card") => scheme(brand),
        (_, "card") => "card".to_owned(),
        (_, "wallet") => taker.to_owned(),
        (_, "sbp") => "SBP".to_owned(),
        (_, "yoo_money") => "YooMoney".to_owned(),
        (_, other) => capital(&other.replace('_', " ")),
    };
    match method.last4 {
        Some(last4) => format!("{what} ending in {last4} through {taker}"),
        None if what == taker => what,
        None => format!("{what} through {taker}"),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A card's scheme as it writes itself.
fn scheme(brand: &str) -> String {
    match brand.to_ascii_lowercase().as_str() {
        "visa" => "Visa".to_owned(),
        "mastercard" => "Mastercard".to_owned(),
        "mir" => "Mir".to_owned(),
        "amex" | "americanexpress" => "American Express".to_owned(),
        "unionpay" => "UnionPay".to_owned(),
        _ => brand.to_owned(),
    }
}

/// How a try ended that brought no money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// The bank or the provider said no; why, in a sentence.
    Refused(&'static str),
    /// Nobody paid in time.
    InTime,
    /// The payer left it for another way, or nobody wanted it any more.
    Left,
}

/// How a try ended that brought no money; none while it may bring some, or has.
pub(crate) fn ended(attempt: &Attempt) -> Option<Ended> {
    let over = attempt.state == AttemptState::Canceled;
    over.then(|| by_reason(attempt.reason.as_deref().unwrap_or_default()))
}

fn by_reason(reason: &str) -> Ended {
    match reason {
        "voided" => Ended::Left,
        "expired" | "TRADE_CLOSED" | "expired_on_capture" => Ended::InTime,
        "insufficient_funds" => Ended::Refused("The bank says that there is not enough money."),
        "card_expired" | "expired_card" => Ended::Refused("The card has expired."),
        "invalid_csc" | "incorrect_cvc" => Ended::Refused("The security code is not right."),
        "invalid_card_number" | "incorrect_number" => {
            Ended::Refused("The card’s number is not right.")
        }
        "3d_secure_failed" | "authentication_required" => {
            Ended::Refused("The bank asked whether it was you, and got no good answer.")
        }
        "issuer_unavailable" | "processing_error" | "internal_timeout" => {
            Ended::Refused("The bank did not answer.")
        }
        _ => Ended::Refused("The bank refused."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_was_paid_with_is_said_in_words() {
        for (gateway, method, words) in [
            (
                "stripe",
                r#"{"kind":"card","brand":"visa","last4":"4242"}"#,
                "Visa ending in 4242 through Stripe",
            ),
            (
                "yookassa",
                r#"{"kind":"card","brand":"MasterCard","last4":"4477"}"#,
                "Mastercard ending in 4477 through YooKassa",
            ),
            ("yookassa", r#"{"kind":"sbp"}"#, "SBP through YooKassa"),
            ("yookassa", r#"{"kind":"mir_pay"}"#, "Mir pay through YooKassa"),
            ("alipay", r#"{"kind":"wallet","brand":"alipay"}"#, "Alipay"),
            ("stripe", r#"{"kind":"card"}"#, "card through Stripe"),
            ("stripe", "null", "Stripe"),
            ("paypal", "null", "paypal"),
        ] {
            assert_eq!(with(gateway, serde_json::from_str(method).unwrap()), words);
        }
    }

    #[test]
    fn how_a_try_ended_is_known_by_its_word() {
        assert_eq!(by_reason("voided"), Ended::Left);
        assert_eq!(by_reason("TRADE_CLOSED"), Ended::InTime);
        assert_ne!(by_reason("insufficient_funds"), by_reason("declined"));
        let refused = Ended::Refused("The bank refused.");
        assert_eq!([by_reason("declined"), by_reason("a word nobody knows")], [refused; 2]);
    }
}
