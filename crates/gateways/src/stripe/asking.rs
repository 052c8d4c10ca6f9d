//! How Stripe is asked, and how a payment is found by whatever is known of it.

use kernel::Timestamp;
use serde::de::DeserializeOwned;

use super::form::Form;
use super::intent::Intent;
use super::wire::{self, Expandable, List, Session};
use super::{PAGE, PAGES_MAX, Stripe, VERSION};
use crate::answer::{self, untrusted};
use crate::error::GatewayError;
use crate::http::{Answer, Auth, Body, Call};
use crate::listing::{PageToken, TimeWindow};
use crate::observation::{Observation, RemoteStatus};
use crate::patience::{Patience, when_opened};
use crate::request::PaymentRef;

impl Stripe {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        patience: &Patience<'_>,
    ) -> Result<T, GatewayError> {
        let auth = Auth::Bearer(&self.settings.secret_key);
        let headers = [("Stripe-Version", VERSION)];
        let call = Call::get(path, auth, patience.left()?);
        let answer = self.http.send(Call { query, headers: &headers, ..call }).await;
        answer::read(&sent(path, answer)?.body)
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &str,
        form: Form,
        patience: &Patience<'_>,
    ) -> Result<T, GatewayError> {
        let auth = Auth::Bearer(&self.settings.secret_key);
        let headers = [("Stripe-Version", VERSION), ("Idempotency-Key", key)];
        let call = Call::post(path, auth, Body::Form(form.finish()), patience.left()?);
        let answer = self.http.send(Call { headers: &headers, ..call }).await;
        answer::read(&sent(path, answer)?.body)
    }

    pub(super) async fn session(
        &self,
        id: &str,
        patience: &Patience<'_>,
    ) -> Result<Session, GatewayError> {
        let deep = [("expand[]", "payment_intent.latest_charge.balance_transaction")];
        let session: Session =
            self.get(&["v1", "checkout", "sessions", id], &deep, patience).await?;
        if session.id != id {
            return Err(untrusted("another page than the one asked for"));
        }
        Ok(session)
    }

    pub(super) async fn intent(
        &self,
        id: &str,
        patience: &Patience<'_>,
    ) -> Result<Intent, GatewayError> {
        let deep = [("expand[]", "latest_charge.balance_transaction")];
        let intent: Intent = self.get(&["v1", "payment_intents", id], &deep, patience).await?;
        if intent.id != id {
            return Err(untrusted("another intent than the one asked for"));
        }
        Ok(intent)
    }

    /// What a page and its intent say together.
    pub(super) async fn observe(
        &self,
        mut session: Session,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Observation, GatewayError> {
        let now = self.env.now();
        session.expect(payment.attempt)?;
        if !session.is_complete() {
            return session.observe_open(payment.attempt, now);
        }
        let intent = match session.intent() {
            Some(Expandable::Object(intent)) => *intent,
            Some(Expandable::Id(id)) => self.intent(&id, patience).await?,
            None => return Err(untrusted("a page that is complete and has no money")),
        };
        let seen = intent.observe_of(payment.attempt, now)?;
        Ok(Observation { gateway_id: Some(session.id), ..seen })
    }

    /// The payment, by what we know of it. `None` when nothing is known and nothing is found.
    pub(super) async fn see(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<Observation>, GatewayError> {
        if let Some(id) = &payment.gateway_id {
            let session = self.session(id, patience).await?;
            return self.observe(session, payment, patience).await.map(Some);
        }
        if let Some(id) = &payment.secondary_id {
            let intent = self.intent(id, patience).await?;
            return intent.observe_of(payment.attempt, self.env.now()).map(Some);
        }
        let window = when_opened(payment.attempt).ok_or(GatewayError::Unsupported)?;
        let (mut page, path) = (None, ["v1", "checkout", "sessions"]);
        for _ in 0..PAGES_MAX {
            let list: List<Session> =
                self.list(&path, Some(window), &[], page.as_ref(), patience).await?;
            page = list.next(|session| &session.id);
            if let Some(found) = list.data.into_iter().find(|s| s.is_of(payment.attempt)) {
                return self.observe(found, payment, patience).await.map(Some);
            }
            if page.is_none() {
                return Ok(None);
            }
        }
        Err(GatewayError::Unknown("too many payments to look through".to_owned()))
    }

    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        window: Option<TimeWindow>,
        filter: &[(&str, &str)],
        page: Option<&PageToken>,
        patience: &Patience<'_>,
    ) -> Result<List<T>, GatewayError> {
        let seconds = |at: Timestamp| at.as_second().to_string();
        let span = window.map(|window| (seconds(window.from), seconds(window.to)));
        let mut query = filter.to_vec();
        if let Some((from, to)) = &span {
            query.extend([("created[gte]", from.as_str()), ("created[lt]", to.as_str())]);
        }
        query.push(("limit", PAGE));
        query.extend(page.map(|page| ("starting_after", page.0.as_str())));
        self.get(path, &query, patience).await
    }

    /// The id of the money of a payment.
    pub(super) async fn intent_of(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<String>, GatewayError> {
        match &payment.secondary_id {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(self.see(payment, patience).await?.and_then(|seen| seen.secondary_id)),
        }
    }

    /// The truth about a payment that was not in the state we thought.
    pub(super) async fn truth(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Observation, GatewayError> {
        self.see(payment, patience).await?.ok_or(GatewayError::NotFound)
    }

    pub(super) fn absent(&self, payment: &PaymentRef) -> Observation {
        let (status, now) = (RemoteStatus::Absent, self.env.now());
        let absent = Observation::bare(payment.attempt, status, payment.amount, now);
        Observation { test: self.settings.mode.is_test(), ..absent }
    }
}

/// Leaves a trace of every call and sorts answers that are refusals.
pub(super) fn sent(
    path: &[&str],
    answer: Result<Answer, GatewayError>,
) -> Result<Answer, GatewayError> {
    let answer = answer.and_then(|answer| match answer.status {
        200 => Ok(answer),
        _ => Err(wire::refusal(&answer)),
    });
    match &answer {
        Ok(_) => tracing::debug!(?path, "stripe answered"),
        Err(error) => tracing::debug!(?path, %error, "stripe did not serve"),
    }
    answer
}
