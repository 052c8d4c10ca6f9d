//! Amounts as Stripe counts them: whole minor units, by a table of its own.

use kernel::{Currency, Money};

use crate::answer::{invalid, untrusted};
use crate::error::GatewayError;

/// Digits after the point by Stripe's table, which differs from ISO 4217 in a few places.
fn digits(currency: Currency) -> Option<u32> {
    match currency.code() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => Some(0),
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Some(3),
        "IQD" | "LYD" => None,
        _ => Some(2),
    }
}

/// An amount as Stripe counts it.
pub(super) fn units(money: Money) -> Result<i64, GatewayError> {
    let refused = |why| invalid(why, "amount");
    let theirs = digits(money.currency).ok_or_else(|| refused("a currency they do not take"))?;
    let ours = money.currency.digits();
    let units = if theirs >= ours {
        money.minor.checked_mul(10_i64.pow(theirs - ours))
    } else {
        let scale = 10_i64.pow(ours - theirs);
        (money.minor % scale == 0).then(|| money.minor / scale)
    };
    let units = units.ok_or_else(|| refused("an amount that they cannot write"))?;
    if units <= 0 || (theirs == 3 && units % 10 != 0) {
        return Err(refused("an amount that they cannot write"));
    }
    Ok(units)
}

/// What `units` of `code` are.
pub(super) fn money(units: i64, code: &str) -> Result<Money, GatewayError> {
    let wrong = || untrusted(&format!("an amount of {units} {code}"));
    if code.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(wrong());
    }
    let currency: Currency = code.to_ascii_uppercase().parse().map_err(|_| wrong())?;
    let (theirs, ours) = (digits(currency).ok_or_else(wrong)?, currency.digits());
    let minor = if ours >= theirs {
        units.checked_mul(10_i64.pow(ours - theirs))
    } else {
        let scale = 10_i64.pow(theirs - ours);
        (units % scale == 0).then(|| units / scale)
    };
    Ok(Money::new(minor.filter(|minor| *minor >= 0).ok_or_else(wrong)?, currency))
}
