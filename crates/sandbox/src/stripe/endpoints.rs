//! `/v1/webhook_endpoints`: who hears of events. The secret is told once, when one is made.

use kernel::SignedDuration;
use serde_json::{Value, json};

use super::VERSION;
use super::error::{self, check_names, invalid, missing};
use super::list::page_of;
use crate::answer::{Answer, Outcome};
use crate::book::Page;
use crate::book::endpoints::{self, Endpoint};
use crate::call::Call;
use crate::gateway::Gateway;
use crate::loopback::is_loopback;

/// How long the old secret signs as well, after a new one was made.
const OLD_SECRET_LIFE: SignedDuration = SignedDuration::from_hours(24);

fn told(endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "enabled_events": endpoint.kinds,
        "status": if endpoint.enabled { "enabled" } else { "disabled" },
        "api_version": VERSION,
        "created": endpoint.created_at.as_second(),
        "livemode": false,
        "metadata": {},
    })
}

fn url(asked: &Value) -> Outcome<Option<String>> {
    match asked["url"].as_str() {
        Some(url) if !is_loopback(url) => {
            let message = "This sandbox notifies http:// loopback addresses only.";
            Err(invalid("url_invalid", "url", message).into())
        }
        url => Ok(url.map(str::to_owned)),
    }
}

fn kinds(asked: &Value) -> Option<Vec<String>> {
    let kinds = asked["enabled_events"].as_array()?;
    Some(kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect())
}

pub(super) fn create(page: &Page<'_>, asked: &Value) -> Outcome {
    let known = ["url", "enabled_events", "api_version", "description", "metadata", "expand"];
    check_names(asked, "", &known)?;
    let endpoint = Endpoint {
        id: page.token("we_1", 23)?,
        gateway: Gateway::Stripe,
        url: url(asked)?.ok_or_else(|| missing("url"))?,
        secret: page.token("whsec_", 32)?,
        old: None,
        enabled: true,
        kinds: kinds(asked).ok_or_else(|| missing("enabled_events"))?,
        created_at: page.now,
    };
    endpoints::save(page, &endpoint)?;
    let mut answer = told(&endpoint);
    answer["secret"] = json!(endpoint.secret);
    Ok(Answer::ok(answer))
}

pub(super) fn change(page: &Page<'_>, id: &str, asked: &Value) -> Outcome {
    check_names(asked, "", &["url", "enabled_events", "disabled", "metadata", "expand"])?;
    let mut endpoint = find(page, id)?;
    if let Some(url) = url(asked)? {
        endpoint.url = url;
    }
    if let Some(kinds) = kinds(asked) {
        endpoint.kinds = kinds;
    }
    if let Some(disabled) = asked["disabled"].as_str() {
        endpoint.enabled = disabled != "true";
    }
    endpoints::save(page, &endpoint)?;
    Ok(Answer::ok(told(&endpoint)))
}

fn find(page: &Page<'_>, id: &str) -> Outcome<Endpoint> {
    let found = endpoints::by_id(page, id)?.filter(|found| found.gateway == Gateway::Stripe);
    Ok(found.ok_or_else(|| error::no_such("webhook_endpoint", id))?)
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    Ok(Answer::ok(told(&find(page, id)?)))
}

pub(super) fn list(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    let all = endpoints::all(page, Gateway::Stripe)?.iter().map(told).collect();
    page_of(call, asked, &[], all)
}

pub(super) fn remove(page: &Page<'_>, id: &str) -> Outcome {
    find(page, id)?;
    endpoints::remove(page, id)?;
    Ok(Answer::ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true })))
}

/// A new secret, as somebody makes one in the dashboard; the old one signs along for a day.
pub(crate) fn roll(page: &Page<'_>, id: &str) -> Outcome {
    let mut endpoint = find(page, id)?;
    let new = page.token("whsec_", 32)?;
    let old = std::mem::replace(&mut endpoint.secret, new);
    endpoint.old = Some((old, page.now + OLD_SECRET_LIFE));
    endpoints::save(page, &endpoint)?;
    let mut answer = told(&endpoint);
    answer["secret"] = json!(endpoint.secret);
    Ok(Answer::ok(answer))
}
