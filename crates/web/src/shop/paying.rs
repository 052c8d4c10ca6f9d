//! Ways to pay, in a buyer's words. Pure but for the list of what the shop offers.

use flows::CASH_ON_DELIVERY;
use jobs::Offer;
use kernel::Money;
use payments::{Attempt, AttemptState, Method};

use super::abroad::Abroad;
use super::show::Icon;
use crate::{App, ways};

/// The gateway of the plain protocol: for programs and for shops without a real one.
const PLAIN: &str = "sandbox";

/// A way to pay on a page, to be chosen.
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) words: &'static str,
    pub(crate) icon: Icon,
    pub(crate) chosen: bool,
    /// What is charged, where it takes another currency: its place among those, 1, 2, 3 …
    pub(crate) abroad: Option<(usize, Abroad)>,
}

/// The ways to pay a total that people are offered, in the shop's order. The plain sandbox stands
/// back where somebody else takes money over the web.
pub(crate) fn offered(app: &App, total: Money) -> Vec<Offer> {
    let mut offers = ways::of(app, total);
    if offers.iter().any(|offer| !matches!(&*offer.method, PLAIN | CASH_ON_DELIVERY)) {
        offers.retain(|offer| offer.method != PLAIN);
    }
    offers
}

/// Those of them that can be begun here and now, on a page.
pub(crate) fn online(app: &App, total: Money) -> Vec<Offer> {
    let mut offers = offered(app, total);
    offers.retain(|offer| offer.method != CASH_ON_DELIVERY);
    offers
}

/// `offers` to choose from, the first marked unless `chosen` is one of them; `abroad` says what
/// one charges in another currency.
pub(crate) fn to_choose(
    offers: &[Offer],
    chosen: Option<&str>,
    abroad: impl Fn(&Offer) -> Option<Abroad>,
) -> Vec<Way> {
    let chosen = chosen.filter(|chosen| offers.iter().any(|offer| offer.method == *chosen));
    let chosen = chosen.or(offers.first().map(|offer| offer.method.as_str()));
    let mut others = 1..;
    let way = |offer: &Offer| {
        let (title, words, icon) = describe(&offer.method);
        Way {
            chosen: chosen == Some(offer.method.as_str()),
            name: offer.method.clone(),
            title: title.to_owned(),
            words,
            icon,
            abroad: abroad(offer).and_then(|abroad| Some((others.next()?, abroad))),
        }
    };
    offers.iter().map(way).collect()
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
