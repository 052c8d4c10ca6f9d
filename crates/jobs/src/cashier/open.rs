//! Opening a payment at a gateway, from the row that means it.

use std::time::Duration;

use flows::{Answer, Opening, Refusal};
use gateways::{
    CaptureMode, Confirmation, CreatePayment, Created, Gateway, GatewayError, IdempotencyKey,
    Payer, WORKER_PATIENCE,
};
use kernel::planted::{self, Bug};
use kernel::{AttemptId, Error, Fault, SignedDuration, Timestamp};
use payments::{Attempt, News, Opened, Saw, pace};

use super::receipt::Sale;
use super::{Cashier, after};

/// When a payment that was just opened is first asked about.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(20);

impl Cashier {
    /// What the gateway is told, all of it, so that it is kept with the attempt.
    pub(super) fn opening(
        &self,
        gateway: &dyn Gateway,
        attempt: AttemptId,
        sale: &Sale,
        payer: Payer,
    ) -> Answer<Opening> {
        let order = &sale.order;
        let (can, name) = (gateway.capabilities(), gateway.name());
        let Some(charge) = self.charge_at(gateway, order.total()) else {
            return Err(Error::Refused(Refusal::MethodUnfit(name.to_owned())));
        };
        let Some(pay_by) = order.pay_by else {
            return Err(Error::Refused(Refusal::NothingToPay { state: order.state }));
        };
        let two_stage = two_stage(can.capture_modes, self.shop.settings.two_stage);
        let deadline = within_term(self.shop.env.now(), pay_by, &can.payer_term);
        let join = |path: &str| {
            let url = self.public_url.join(path);
            url.map_err(|error| Fault::Broken(format!("the shop's own address: {error}")))
        };
        let (return_url, notify_url) =
            (join(&format!("pay/{}/return", order.id))?, join(&format!("hooks/{name}"))?);
        let words = format!("Order {}", order.number);
        let request = CreatePayment {
            order: order.number.clone(),
            capture: if two_stage { CaptureMode::Manual } else { CaptureMode::Immediate },
            channel: payer.channel,
            client_ip: payer.client_ip,
            locale: payer.locale,
            buyer: sale.buyer(),
            receipt: sale.receipt(&self.shop.settings, charge.amount),
            ..CreatePayment::new(attempt, charge.amount, words, return_url, notify_url, deadline)
        };
        let details = serde_json::to_string(&request)
            .map_err(|error| Fault::Broken(format!("a request cannot be kept: {error}")))?;
        let (gateway, rate) = (name.to_owned(), charge.currency_and_rate());
        Ok(Opening { gateway, rate, two_stage, deadline: Some(deadline), details })
    }

    /// Opens a payment that nobody has answered for, while the order waits for it and its key is
    /// good.
    pub(super) async fn reopen(&self, attempt: &Attempt) -> Result<(), Fault> {
        let order = attempt.order_id;
        let order = self.shop.db.read(move |read| orders::find(read, order)).await?;
        let waits = order.is_some_and(|order| order.state == orders::State::Pending);
        let forgotten = after(attempt.created_at, pace::KEY_LIFE) <= self.shop.env.now();
        if waits && !attempt.unwanted && !forgotten {
            self.open(attempt, WORKER_PATIENCE).await;
        }
        Ok(())
    }

    /// Opens the payment at the gateway. What could not be found out is left to the sweep.
    pub(super) async fn open(&self, attempt: &Attempt, within: Duration) {
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return };
        let request: CreatePayment = match serde_json::from_str(&attempt.details) {
            // The row says how much; that is what news of it is compared with.
            Ok(request) => {
                let today = self.charge(&attempt.gateway, attempt.pays);
                let today = today.filter(|_| planted::is(Bug::RateOfToday));
                let amount = today.map_or(attempt.amount, |today| today.amount);
                CreatePayment { amount, ..request }
            }
            Err(error) => {
                tracing::error!(attempt = %attempt.id, %error, "a kept request cannot be read");
                return;
            }
        };
        let key = IdempotencyKey::create(attempt.id);
        kernel::crash_point!("pay.gateway-to-be-called");
        let created = gateway.create(&request, &key, within).await;
        kernel::crash_point!("pay.gateway-called");
        let noted = match created {
            Ok(created) => self.opened(attempt, created).await,
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a payment was not opened");
                if is_final(&error) { self.not_opened(attempt, &error).await } else { Ok(()) }
            }
        };
        kernel::crash_point!("pay.noted");
        if let Err(fault) = noted {
            tracing::error!(%fault, "a gateway's answer was not noted; the sweep asks again");
        }
    }

    async fn opened(&self, attempt: &Attempt, created: Created) -> Result<(), Fault> {
        let Created { observation: seen, confirmation } = created;
        let (redirect_url, payable_until) = match confirmation {
            Confirmation::Redirect { url, valid_until } => {
                (Some(url.to_string()), Some(valid_until))
            }
            Confirmation::None => (None, None),
        };
        let opened = Opened {
            reference: seen.gateway_id.clone().unwrap_or_default(),
            secondary: seen.secondary_id.clone(),
            redirect_url,
            payable_until,
        };
        let (id, now) = (attempt.id, self.shop.env.now());
        let poll_at = after(now, FIRST_LOOK);
        self.shop
            .db
            .write(move |tx| payments::submitted(tx, id, &opened, now, poll_at).map(|_| ()))
            .await?;
        // What is more than an open payment, or not what was asked for, is news.
        let news = self.news(attempt, &seen, "create");
        if news.saw != Saw::Waiting || news.strange.is_some() || news.amount != attempt.amount {
            self.hear(attempt, news).await?;
        }
        Ok(())
    }

    async fn not_opened(&self, attempt: &Attempt, error: &GatewayError) -> Result<(), Fault> {
        let saw = Saw::Canceled(error.to_string());
        let news = News::of(saw, attempt.amount, String::new(), "create");
        self.hear(attempt, news).await.map(|_| ())
    }
}

/// Whether nothing was opened, and asking again with the same key is of no use.
fn is_final(error: &GatewayError) -> bool {
    let again = matches!(
        error,
        GatewayError::NotSent(_)
            | GatewayError::RateLimited { .. }
            | GatewayError::WrongState(_)
            | GatewayError::Conflict
    );
    error.outcome_known() && !again
}

/// Whether money is reserved first. Both have to want it: the shop, and what was said of this
/// gateway, whose first mode is the one that is meant; unless the gateway can only do the one.
fn two_stage(modes: &[CaptureMode], shop_wants_it: bool) -> bool {
    let meant = modes.first() == Some(&CaptureMode::Manual);
    meant && shop_wants_it || !modes.contains(&CaptureMode::Immediate)
}

/// The order's end, as near as the gateway lets a payer's term be.
fn within_term(
    now: Timestamp,
    pay_by: Timestamp,
    term: &std::ops::RangeInclusive<Duration>,
) -> Timestamp {
    let span = |duration: &Duration| SignedDuration::try_from(*duration).unwrap_or_default();
    let wanted = pay_by.duration_since(now);
    after(now, wanted.clamp(span(term.start()), span(term.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_reserved_where_both_want_it() {
        use CaptureMode::{Immediate, Manual};
        for (modes, shop, reserved) in [
            (&[Manual, Immediate][..], true, true),
            (&[Manual, Immediate], false, false),
            (&[Immediate, Manual], true, false),
            (&[Immediate], true, false),
            (&[Manual], false, true),
        ] {
            assert_eq!(two_stage(modes, shop), reserved, "{modes:?}, the shop {shop}");
        }
    }
}
