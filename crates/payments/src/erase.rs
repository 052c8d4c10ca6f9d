//! Forgetting who paid. How much moved, when, and at which gateway stays: the books need it.

use kernel::{AttemptId, Fault, OrderId};
use serde_json::json;
use store::{Param, Read, Tx, Value};

use crate::attempt::Attempt;
use crate::state::AttemptState;
use crate::{attempt, refund, sql};

/// Whether money of these orders may still move by itself, or a gateway be told of a payer.
pub fn is_under_way(read: &mut Read<'_>, order: OrderId) -> Result<bool, Fault> {
    let over = [AttemptState::Captured, AttemptState::Canceled];
    let attempts = attempt::of_order(read, order)?;
    let open = |attempt: &Attempt| !over.contains(&attempt.state) || attempt.poll_at.is_some();
    Ok(attempts.iter().any(open)
        || refund::refunds_of_order(read, order)?.iter().any(|it| it.state.is_under_way()))
}

/// Forgets who paid an order: what gateways were told of the payer and said of them, how it was
/// paid, and why staff gave money back.
pub fn erase(tx: &mut Tx<'_>, order: OrderId) -> Result<(), Fault> {
    let rows: Vec<(AttemptId, String)> = attempt::of_order(tx, order)?
        .into_iter()
        .map(|attempt| (attempt.id, without_payer(&attempt.details)))
        .collect();
    tx.update_many(&sql::ATTEMPTS_ERASE, &rows, |(id, details)| {
        [id.value(), details.value(), Value::Null]
    })?;
    for (id, _) in &rows {
        tx.execute(&sql::NOTICES_ERASE, &[id])?;
    }
    tx.execute(&sql::REFUND_REASONS_ERASE, &[&order]).map(|_| ())
}

/// What the gateway was asked for, less the person.
fn without_payer(details: &str) -> String {
    let mut asked: serde_json::Value = serde_json::from_str(details).unwrap_or_default();
    if let Some(fields) = asked.as_object_mut() {
        fields.insert("buyer".into(), json!({}));
        for field in ["client_ip", "receipt"] {
            fields.insert(field.into(), serde_json::Value::Null);
        }
    }
    asked.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_goes_and_the_sum_stays() {
        let asked = json!({
            "amount": { "minor": 100, "currency": "EUR" }, "order": "7K3M-22",
            "buyer": { "email": "ada@example.org", "phone": "+41791234567" },
            "client_ip": "203.0.113.9", "receipt": { "buyer": { "email": "ada@example.org" } },
        });
        let left = without_payer(&asked.to_string());
        assert!(left.contains("7K3M-22") && left.contains("100"), "{left}");
        for gone in ["ada@", "+4179", "203.0"] {
            assert!(!left.contains(gone), "{left}");
        }
        assert_eq!(without_payer("{}"), r#"{"buyer":{},"client_ip":null,"receipt":null}"#);
    }
}
