//! How YooKassa is asked, and how a payment is found by whatever is known of it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{PAGE, PAGES_MAX, YooKassa, wire};
use crate::answer;
use crate::error::GatewayError;
use crate::http::{Answer, Auth, Body, Call};
use crate::listing::{PageToken, TimeWindow};
use crate::observation::{Observation, RemoteStatus};
use crate::patience::{Patience, when_opened};
use crate::request::{IdempotencyKey, PaymentRef};

impl YooKassa {
    fn auth(&self) -> Auth<'_> {
        Auth::Basic(&self.settings.shop_id, &self.settings.secret_key)
    }

    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        patience: &Patience<'_>,
    ) -> Result<Answer, GatewayError> {
        let call = Call { query, ..Call::get(path, self.auth(), patience.left()?) };
        sent(path, self.http.send(call).await)
    }

    pub(super) async fn post(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        body: &impl Serialize,
        patience: &Patience<'_>,
    ) -> Result<Answer, GatewayError> {
        let json = serde_json::to_vec(body)
            .map_err(|e| GatewayError::NotSent(format!("the request cannot be written: {e}")))?;
        let headers = [("Idempotence-Key", key.as_str())];
        let call = Call::post(path, self.auth(), Body::Json(json), patience.left()?);
        sent(path, self.http.send(Call { headers: &headers, ..call }).await)
    }

    pub(super) async fn by_id(
        &self,
        id: &str,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Observation, GatewayError> {
        let answer = self.get(&["payments", id], &[], patience).await?;
        let found: wire::Payment = answer::read(&answer.body)?;
        found.observe_of(payment.attempt, Some(id), self.env.now())
    }

    /// The payment of an attempt whose id we never heard: looked for in their list. `None` when
    /// it is not there.
    pub(super) async fn look_for(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<Observation>, GatewayError> {
        let window = when_opened(payment.attempt).ok_or(GatewayError::Unsupported)?;
        let mut page = None;
        for _ in 0..PAGES_MAX {
            let list: wire::List<wire::Payment> =
                self.list(&["payments"], Some(window), &[], page.as_ref(), patience).await?;
            for found in list.items {
                if found.attempt() == Some(payment.attempt) {
                    return found.observe_of(payment.attempt, None, self.env.now()).map(Some);
                }
            }
            page = list.next_cursor.map(PageToken);
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
    ) -> Result<wire::List<T>, GatewayError> {
        let span = window.map(|window| (window.from.to_string(), window.to.to_string()));
        let mut query = filter.to_vec();
        if let Some((from, to)) = &span {
            query.extend([("created_at.gte", from.as_str()), ("created_at.lt", to.as_str())]);
        }
        query.push(("limit", PAGE));
        query.extend(page.map(|page| ("cursor", page.0.as_str())));
        answer::read(&self.get(path, &query, patience).await?.body)
    }

    /// Their id of a payment, asked for if we never heard it.
    pub(super) async fn id_of(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<String>, GatewayError> {
        match &payment.gateway_id {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(self.look_for(payment, patience).await?.and_then(|seen| seen.gateway_id)),
        }
    }

    pub(super) fn absent(&self, payment: &PaymentRef) -> Observation {
        let (status, now) = (RemoteStatus::Absent, self.env.now());
        let absent = Observation::bare(payment.attempt, status, payment.amount, now);
        Observation { test: self.settings.mode.is_test(), ..absent }
    }
}

/// Leaves a trace of every call and sorts answers that are refusals.
fn sent(path: &[&str], answer: Result<Answer, GatewayError>) -> Result<Answer, GatewayError> {
    let answer = answer.and_then(|answer| match answer.status {
        200 => Ok(answer),
        _ => Err(wire::refusal(&answer)),
    });
    match &answer {
        Ok(_) => tracing::debug!(?path, "yookassa answered"),
        Err(error) => tracing::debug!(?path, %error, "yookassa did not serve"),
    }
    answer
}
