//! Alipay's notifications: signed forms. What they say is only what to ask for.

use super::canonical::{self, Parameters};
use super::seal::Seal;
use crate::error::NotificationError;
use crate::notification::{Notification, RawNotification, Subject};

/// Checks a notification and reads what it is about.
pub(super) fn read(
    raw: &RawNotification<'_>,
    seal: &Seal,
    app_id: &str,
    seller_id: &str,
) -> Result<Notification, NotificationError> {
    if raw.method != "POST" {
        return Err(NotificationError::Malformed);
    }
    let form = canonical::read_form(raw.body)?;
    if form.get("charset").is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(NotificationError::Malformed);
    }
    seal.check_form(&form)?;
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty());
    let (Some(id), Some(number)) = (field("notify_id"), field("out_trade_no")) else {
        return Err(NotificationError::Malformed);
    };
    let attempt = number.parse().ok();
    let subject = match field("out_biz_no") {
        Some(refund) if field("refund_fee").is_some() => Subject::Refund {
            gateway_id: refund.clone(),
            refund: refund.parse().ok(),
            payment_id: Some(number.clone()),
        },
        _ => Subject::Payment {
            gateway_id: Some(number.clone()),
            secondary_id: field("trade_no").cloned(),
            attempt,
        },
    };
    let mismatch = not_for_us(&form, app_id, seller_id);
    Ok(Notification { mismatch, ..Notification::signed(id, subject) })
}

/// What in it names somebody else. The application must be ours; so must the seller, if named.
fn not_for_us(form: &Parameters, app_id: &str, seller_id: &str) -> Option<String> {
    let differs = |name: &str, ours: &str| match form.get(name) {
        Some(theirs) if theirs == ours => None,
        theirs => Some(format!("{name} is {theirs:?}, ours is {ours:?}")),
    };
    let seller = form.contains_key("seller_id").then(|| differs("seller_id", seller_id));
    differs("app_id", app_id).or(seller.flatten())
}
