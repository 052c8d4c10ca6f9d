//! A call of a provider's API, from the line to the line: who calls, what is to go wrong, and an
//! entry in the journal.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use kernel::limits::BODY_BYTES_MAX;
use serde_json::Value;
use url::form_urlencoded;

use crate::alipay;
use crate::answer::{Answer, Body};
use crate::book::payments::{self, Status};
use crate::book::steps;
use crate::faults::{Fault, Op, Struck};
use crate::gateway::Gateway;
use crate::journal::Entry;
use crate::serve::DropLine;
use crate::world::World;

/// What was asked.
#[derive(Clone)]
pub(crate) struct Call {
    pub method: Method,
    /// Without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub struck: Struck,
}

impl Call {
    /// The parts of the path.
    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first value of a parameter of the query.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    fn idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key").or_else(|| self.header("idempotence-key"))
    }
}

/// Serves one call.
pub(crate) async fn serve(world: Arc<World>, gateway: Gateway, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let shown = match query {
        "" => parts.uri.path().to_owned(),
        query => format!("{}?{query}", parts.uri.path()),
    };
    let mut call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body: Bytes::new(),
        struck: Struck::default(),
    };
    let answer = match gateway.admit(&world, &call.headers) {
        Err(refusal) => refusal,
        Ok(()) => match to_bytes(body, BODY_BYTES_MAX).await {
            Err(_) => Answer::refused(413, "too_large", "The body is longer than 64 kB."),
            Ok(body) => {
                call.body = body;
                call.struck = world.faults.strike(gateway, gateway.op(&call));
                struck_answer(&world, gateway, &call).await
            }
        },
    };
    journal(&world, gateway, &call, &shown, &answer);
    tokio::time::sleep(call.struck.delay).await;
    respond(&world, answer, &call.struck)
}

/// Does what is asked for, unless a fault forbids it, and bends the answer as faults say.
async fn struck_answer(world: &Arc<World>, gateway: Gateway, call: &Call) -> Answer {
    let struck = &call.struck;
    let refusals = [
        (Fault::Error500, 500),
        (Fault::Error503, 503),
        (Fault::Error429, 429),
        (Fault::Error409, 409),
    ];
    if let Some((_, status)) = refusals.into_iter().find(|(fault, _)| struck.by(*fault)) {
        return gateway.trouble(call, status);
    }
    let asked = call.clone();
    let answer = world.book.answer(move |page| gateway.answer(page, &asked)).await;
    let mut answer = answer.unwrap_or_else(|error| Answer::broken(&error));
    if struck.by(Fault::NotifyBeforeAnswer) && (200..300).contains(&answer.status) {
        tell_first(world, gateway.op(call), &answer).await;
    }
    world.bell.notify_one();
    if struck.by(Fault::CommitThen500) {
        return gateway.trouble(call, 500);
    }
    if struck.by(Fault::Processing) && answer.status < 400 {
        return gateway.trouble(call, 202);
    }
    if let Body::Json(value) | Body::Signed { value, .. } = &mut answer.body {
        gateway.bend(value, struck);
    }
    answer
}

/// Lets the shop hear of what happened before it has the answer to its own call.
async fn tell_first(world: &Arc<World>, op: Op, answer: &Answer) {
    let told = answer.value();
    let id = told["id"].as_str().or(told["trade_no"].as_str());
    let Some(id) = id.map(str::to_owned) else { return };
    if op == Op::Create {
        let payment = id.clone();
        let paid = world.book.write(move |page| match payments::by_id(page, &payment)? {
            Some(open) if open.status == Status::Pending => steps::pay(page, &open).map(|_| ()),
            _ => Ok(()),
        });
        if let Err(error) = paid.await {
            tracing::error!(%error, "the payment sandbox cannot use its book");
        }
    }
    world.bell.notify_one();
    world.all_tried(&id).await;
}

fn journal(world: &World, gateway: Gateway, call: &Call, shown: &str, answer: &Answer) {
    let request = serde_json::from_slice(&call.body).unwrap_or_else(|_| {
        // A form reads better as an object; nothing at all is null.
        let form: serde_json::Map<String, Value> =
            call.form().into_iter().map(|(name, value)| (name, value.into())).collect();
        if form.is_empty() { Value::Null } else { form.into() }
    });
    let dropped = call.struck.by(Fault::CommitThenDrop);
    let entry = Entry::Call {
        gateway,
        op: gateway.op(call),
        method: call.method.as_str(),
        path: shown,
        key: call.idempotency_key(),
        request,
        faults: &call.struck.faults,
        status: (!dropped).then_some(answer.status),
        answer: answer.value().clone(),
    };
    world.journal.write(world.fixed().env.now(), &entry);
}

fn respond(world: &World, mut answer: Answer, struck: &Struck) -> Response {
    if struck.by(Fault::HtmlError) {
        answer = alipay::gbk_page("isp.unknow-error");
    }
    if let Body::Signed { node, value, certificate } = &answer.body {
        let key = &world.fixed().accounts.alipay;
        let text = alipay::seal(key, node, value, certificate.as_deref(), struck);
        let content_type = "text/html;charset=utf-8";
        answer.body = Body::Text { content_type, bytes: text.into_bytes() };
    }
    if answer.status == 429 {
        answer = answer.with("retry-after", "1");
    }
    if struck.by(Fault::Truncated) || struck.by(Fault::InvalidJson) {
        answer.body = spoilt(answer.body, struck);
    }
    let mut response = answer.into_response();
    if struck.by(Fault::CommitThenDrop) {
        response.extensions_mut().insert(DropLine);
    }
    response
}

/// Half of the answer, or one that is no JSON.
fn spoilt(body: Body, struck: &Struck) -> Body {
    let (content_type, mut bytes) = match body {
        Body::Text { content_type, bytes } => (content_type, bytes),
        Body::Json(value) | Body::Signed { value, .. } => {
            ("application/json", value.to_string().into_bytes())
        }
        Body::Empty => return Body::Empty,
    };
    if struck.by(Fault::Truncated) {
        bytes.truncate(bytes.len() / 2);
    } else {
        bytes = b"{\"id\": nil, 'status': succeeded}".to_vec();
    }
    Body::Text { content_type, bytes }
}
