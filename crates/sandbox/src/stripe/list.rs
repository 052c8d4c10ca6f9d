//! Lists: newest first, with `limit`, `starting_after`, `ending_before` and `created[…]`.

use serde_json::{Value, json};

use super::error::{self, check_names, invalid};
use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::faults::Fault;

const LIMIT_DEFAULT: usize = 10;

/// One page of `all` (newest first). `own` names the parameters that this list has beside the
/// usual ones.
pub(super) fn page_of(call: &Call, asked: &Value, own: &[&str], all: Vec<Value>) -> Outcome {
    let usual = ["limit", "starting_after", "ending_before", "created", "expand"];
    check_names(asked, "", &[&usual[..], own].concat())?;
    let limit = match asked["limit"].as_str() {
        None => LIMIT_DEFAULT,
        Some(limit) => match limit.parse() {
            Ok(limit @ 1..=100) => limit,
            _ => return Err(invalid("parameter_invalid_integer", "limit", "From 1 to 100.").into()),
        },
    };
    let all: Vec<Value> = all.into_iter().filter(|item| within(asked, item)).collect();
    let at = |id: &str| all.iter().position(|item| item["id"] == id);
    let (from, to) = match (asked["starting_after"].as_str(), asked["ending_before"].as_str()) {
        (Some(id), _) => {
            let at = at(id).ok_or_else(|| error::no_such("object", id))?;
            (if call.struck.by(Fault::ListMoves) { at } else { at + 1 }, all.len())
        }
        (None, Some(id)) => {
            let at = at(id).ok_or_else(|| error::no_such("object", id))?;
            (at.saturating_sub(limit), at)
        }
        (None, None) => (0, all.len()),
    };
    let rest = &all[from..to];
    let data: Vec<&Value> = rest.iter().take(limit).collect();
    Ok(Answer::ok(json!({
        "object": "list", "url": call.path, "has_more": rest.len() > data.len(), "data": data,
    })))
}

/// `created=…` or `created[gte|gt|lte|lt]=…`, in seconds.
fn within(asked: &Value, item: &Value) -> bool {
    let created = item["created"].as_i64().unwrap_or(0);
    let limits = &asked["created"];
    if let Some(exact) = limits.as_str() {
        return exact.parse() == Ok(created);
    }
    let limit = |name: &str| limits[name].as_str().and_then(|text| text.parse::<i64>().ok());
    limit("gte").is_none_or(|from| created >= from)
        && limit("gt").is_none_or(|from| created > from)
        && limit("lte").is_none_or(|until| created <= until)
        && limit("lt").is_none_or(|until| created < until)
}
