//! The audit log around operations of staff: a line before one is carried out, and a line when it
//! is over. Without the first there is no operation: a full disk stops staff as it stops buyers.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use identity::Permission;
use identity::audit::{self, Actor, Entry, Stage};
use kernel::Fault;
use serde_json::Value;

use crate::App;
use crate::request_id;

/// Below this everything is done by staff.
const ADMIN: &str = "/api/v1/admin/";

/// The code of a problem, beside its answer.
#[derive(Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

/// What is written down of a request.
#[derive(Clone, Default)]
pub(crate) struct Trail(Arc<Mutex<Option<Entry>>>);

impl Trail {
    fn with<T>(&self, what: impl FnOnce(&mut Option<Entry>) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a fact to the line that tells how it ended.
    pub(crate) fn tell(&self, name: &str, value: impl Into<Value>) {
        self.with(|entry| {
            if let Some(entry) = entry {
                entry.facts.insert(name.to_owned(), value.into());
            }
        });
    }

    /// Writes down what is about to be done, where it is to be written down.
    pub(crate) async fn begin(
        &self,
        app: &App,
        parts: &Parts,
        actor: Actor,
        permission: Permission,
    ) -> Result<(), Fault> {
        if parts.method.is_safe() && !permission.logs_looking() {
            return Ok(());
        }
        let entry = entry(app, parts, actor);
        let begun = Entry { stage: Stage::Begun, outcome: String::new(), ..entry.clone() };
        audit::write(&app.shop.db, &app.shop.env, begun).await?;
        self.with(|ours| *ours = Some(Entry { stage: Stage::Ended, ..entry }));
        Ok(())
    }

    /// Writes down that somebody of the shop was not let do something.
    pub(crate) async fn denied(
        app: &App,
        parts: &Parts,
        actor: Actor,
        code: &str,
    ) -> Result<(), Fault> {
        let entry = entry(app, parts, actor).with_outcome(code);
        audit::write(&app.shop.db, &app.shop.env, entry).await
    }

    async fn end(&self, app: &App, code: &str) {
        let Some(entry) = self.with(Option::take) else { return };
        let entry = entry.with_outcome(code);
        if let Err(fault) = audit::write(&app.shop.db, &app.shop.env, entry).await {
            // That it was begun is written down.
            tracing::error!(%fault, "the end of an operation could not be written down");
        }
    }
}

/// A line about this request.
fn entry(app: &App, parts: &Parts, actor: Actor) -> Entry {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let path = parts.uri.path();
    let named = route.split('/').zip(path.split('/'));
    let object = named.filter(|(name, _)| name.starts_with('{')).map(|(_, said)| said);
    let object: String = object.collect::<Vec<_>>().join("/").chars().take(200).collect();
    let action = format!("{} {}", parts.method, route.strip_prefix("/api/v1").unwrap_or(route));
    Entry::noted(&app.shop.env, Some(actor), &action, object)
        .with("request", request_id::current().to_string())
}

/// Writes down how what staff do ends.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(ADMIN) {
        return next.run(request).await;
    }
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    let answer = next.run(request).await;
    let code = answer.extensions().get::<Code>().map_or("done", |Code(code)| code);
    trail.end(&app, code).await;
    answer
}
