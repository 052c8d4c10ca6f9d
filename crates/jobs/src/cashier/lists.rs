//! Reading gateways' books as they grow: what nobody told of, what a gateway kept, and once a day
//! whether the books of the day before agree.

use gateways::{
    Gateway, GatewayError, Listing, Observation, RefundObservation, RemoteStatus, Subject,
    TimeWindow, WORKER_PATIENCE,
};
use kernel::{Fault, SignedDuration};
use payments::{Attempt, Statement};

use super::{Cashier, back, before, settle_quietly};
use crate::books::{Listed, compare_day, day_of, given_back, payments_of, refunds_of, statement};

/// A list is read again from so long before it was read last: entries may come late.
const OVERLAP: SignedDuration = SignedDuration::from_hours(2);
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The middle of a gateway's day is on the same day here, wherever it is.
pub(super) const NOON: SignedDuration = SignedDuration::from_hours(12);
/// When yesterday is over everywhere: money that was under way at midnight has arrived.
const YESTERDAY_IS_OVER: SignedDuration = SignedDuration::from_hours(26);

impl Cashier {
    /// Reads what is new in the gateways' books; gives how many payments were asked about because
    /// the books say something else than we know.
    pub async fn read_lists(&self) -> Result<usize, Fault> {
        let mut asked = 0;
        for gateway in self.gateways.values() {
            let gateway = gateway.as_ref();
            let read = match gateway.capabilities().listing {
                Listing::Cursor => self.read_list(gateway).await?,
                Listing::DailyReport => self.read_bills(gateway).await?,
                Listing::None => continue,
            };
            match read {
                Ok(count) => asked += count,
                Err(error) => {
                    tracing::warn!(gateway = gateway.name(), %error, "their books were not read");
                    continue;
                }
            }
            self.compare_yesterday(gateway).await?;
        }
        Ok(asked)
    }

    async fn read_list(&self, gateway: &dyn Gateway) -> Result<Result<usize, GatewayError>, Fault> {
        let (name, now) = (gateway.name(), self.shop.env.now());
        let last = self.shop.db.read(move |read| payments::list_read_until(read, name)).await?;
        let from = match last {
            // The first time on a new day all of the day before is read again: what was made then
            // may have been taken since, and only then is it known what the gateway kept of it.
            Some(last) if day_of(last) < day_of(now) => before(last, DAY),
            Some(last) => before(last, OVERLAP),
            None => before(now, DAY),
        };
        let window = TimeWindow { from, to: now };
        let quiet = |_: &str, _: usize| {};
        let payments = match payments_of(gateway, window, &quiet).await {
            Ok(payments) => payments,
            Err(error) => return Ok(Err(error)),
        };
        let mut asked = 0;
        for seen in &payments {
            asked += usize::from(self.take_in(name, seen).await?);
        }
        let refunds = match refunds_of(gateway, window, &quiet).await {
            Ok(refunds) => refunds.unwrap_or_default(),
            Err(error) => return Ok(Err(error)),
        };
        for seen in refunds {
            asked += usize::from(self.take_in_refund(name, seen).await?);
        }
        if let Err(error) = self.take_in_disputes(gateway, window).await? {
            return Ok(Err(error));
        }
        self.shop.db.write(move |tx| payments::list_read(tx, name, now)).await?;
        Ok(Ok(asked))
    }

    /// Keeps a line of a list, and asks about its payment where it says something else than we
    /// know. True when it was asked about.
    async fn take_in(&self, gateway: &'static str, seen: &Observation) -> Result<bool, Fault> {
        let Some(mut said) = statement(gateway, seen) else { return Ok(false) };
        let found = self.attempt_of(gateway, &said).await?;
        let Some(attempt) = found.filter(|attempt| !is_another(attempt, seen)) else {
            self.keep(said, true).await?;
            return Ok(false);
        };
        if let (None, Some(reference)) = (&seen.gateway_id, &attempt.reference) {
            said.reference.clone_from(reference);
        }
        self.keep(said, false).await?;
        let asked = is_news(&attempt, seen) && attempt.review.is_none();
        if asked {
            let effect = self.ask(&attempt, "list", WORKER_PATIENCE).await?;
            tracing::info!(attempt = %attempt.id, ?effect, "a list told of a payment");
        }
        if let Some(fee) = seen.fee.filter(|_| seen.status == RemoteStatus::Captured)
            && attempt.fee.is_none()
        {
            let booked = self.shop.book_fee(attempt.order_id, attempt.id, fee).await;
            settle_quietly(booked)?;
        }
        Ok(asked)
    }

    pub(super) async fn attempt_of(
        &self,
        gateway: &'static str,
        said: &Statement,
    ) -> Result<Option<Attempt>, Fault> {
        let (id, reference) = (said.attempt_id, said.reference.clone());
        let found = self.shop.db.read(move |read| {
            let by_id = id.map(|id| payments::find(read, id)).transpose()?.flatten();
            match by_id {
                Some(found) => Ok::<_, Fault>(Some(found)),
                None => payments::by_reference(read, gateway, &reference),
            }
        });
        Ok(found.await?.filter(|attempt| attempt.gateway == gateway))
    }

    /// Keeps what their books say of a payment. Money for something that we do not know is kept
    /// where staff see it.
    pub(super) async fn keep(&self, said: Statement, stranger: bool) -> Result<(), Fault> {
        let unmatched = stranger && said.is_money();
        if unmatched {
            let (gateway, reference) = (&said.gateway, &said.reference);
            tracing::error!(gateway, reference, "money that nobody asked for");
        }
        self.shop.db.write(move |tx| payments::keep_statement(tx, &said, unmatched)).await
    }

    /// Takes in a line of a list of refunds. True when something was done about it.
    async fn take_in_refund(
        &self,
        gateway: &'static str,
        seen: RefundObservation,
    ) -> Result<bool, Fault> {
        let (id, payment) = (seen.refund, seen.payment_id.clone());
        let found = self.shop.db.read(move |read| {
            let refund = id.map(|id| payments::find_refund(read, id)).transpose()?.flatten();
            let attempt = match (&refund, payment) {
                (Some(refund), _) => payments::find(read, refund.attempt_id)?,
                (None, Some(payment)) => payments::by_reference(read, gateway, &payment)?,
                (None, None) => None,
            };
            Ok::<_, Fault>((refund, attempt))
        });
        let (refund, attempt) = found.await?;
        let Some(attempt) = attempt.filter(|attempt| attempt.gateway == gateway) else {
            return Ok(false);
        };
        if let Some(refund) = refund {
            let Some(heard) = self.reading(&refund, &seen) else { return Ok(false) };
            if refund.state.hears(heard.0).is_none() {
                return Ok(false);
            }
            self.refund_heard(&refund, heard).await?;
            return Ok(true);
        }
        let went =
            back::read(&seen).is_some_and(|(says, ..)| says == payments::RefundState::Succeeded);
        let Some(name) = given_back(seen).filter(|_| went).map(|back| back.name) else {
            return Ok(false);
        };
        let of = attempt.id;
        let known = self.shop.db.read(move |read| payments::refunds_of_attempts(read, [of]));
        if known.await?.iter().any(|it| it.reference.as_deref() == Some(name.as_str())) {
            return Ok(false);
        }
        // How much has gone back in all, the payment itself tells.
        self.ask(&attempt, "list", WORKER_PATIENCE).await?;
        Ok(true)
    }

    /// Looks for disputes that nobody told of, where the gateway lists what it told.
    async fn take_in_disputes(
        &self,
        gateway: &dyn Gateway,
        window: TimeWindow,
    ) -> Result<Result<(), GatewayError>, Fault> {
        let (name, quiet) = (gateway.name(), |_: &str, _: usize| {});
        let mut list = Listed::default();
        loop {
            match list.goes_on(name, &quiet) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Ok(Err(error)),
            }
            match gateway.list_notifications(window, list.page(), WORKER_PATIENCE).await {
                Ok(page) => list.take(page),
                Err(GatewayError::Unsupported) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
        for told in list.all {
            let Subject::Dispute { gateway_id, payment_id: Some(payment) } = told.subject else {
                continue;
            };
            let found =
                self.shop.db.read(move |read| payments::by_reference(read, name, &payment)).await?;
            let Some(attempt) = found else { continue };
            let of = attempt.id;
            let known = self.shop.db.read(move |read| payments::disputes_of_attempts(read, [of]));
            let known = known.await?;
            let known = known.iter().any(|it| it.reference == gateway_id && it.due_at.is_none());
            if !known {
                self.hear_dispute(&attempt, &gateway_id).await?;
            }
        }
        Ok(Ok(()))
    }

    /// Compares the last day that is over, once.
    async fn compare_yesterday(&self, gateway: &dyn Gateway) -> Result<(), Fault> {
        let (name, now) = (gateway.name(), self.shop.env.now());
        let day = if gateway.capabilities().listing == Listing::Cursor {
            day_of(before(now, YESTERDAY_IS_OVER))
        } else {
            let last = self.shop.db.read(move |read| payments::list_read_until(read, name));
            let Some(last) = last.await? else { return Ok(()) };
            day_of(before(last, NOON))
        };
        let was = self.shop.db.read(move |read| payments::was_day_compared(read, name, day));
        if was.await?.is_some() {
            return Ok(());
        }
        match compare_day(&self.shop.db, gateway, (day, now), &|_, _| {}).await {
            Ok(Some(compared)) => {
                for found in &compared.breaks {
                    let (class, reference) = (found.class.as_str(), &found.reference);
                    tracing::error!(gateway = name, %day, class, ?reference, "the books differ");
                }
                self.note_compared(day, compared.gateway, compared.breaks.len()).await
            }
            Ok(None) => Ok(()),
            Err(crate::CannotCompare::Ours(fault)) => Err(fault),
            Err(error) => {
                tracing::warn!(gateway = name, %day, %error, "a day was not compared");
                Ok(())
            }
        }
    }
}

/// Whether a line of a list says something that we do not know.
fn is_news(attempt: &Attempt, seen: &Observation) -> bool {
    let refunded = seen.refunded.map_or(0, |refunded| refunded.minor);
    match &seen.status {
        RemoteStatus::Captured => attempt.captured == 0 || refunded > attempt.refunded,
        RemoteStatus::Authorized { .. }
        | RemoteStatus::Processing
        | RemoteStatus::Canceled { .. } => !attempt.state.is_over(),
        RemoteStatus::Absent | RemoteStatus::AwaitingPayer => false,
    }
}

/// Whether a payment that names an attempt of ours is not the one that the attempt has.
fn is_another(attempt: &Attempt, seen: &Observation) -> bool {
    let differ = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => false,
    };
    match &seen.gateway_id {
        Some(_) => differ(&attempt.reference, &seen.gateway_id),
        None => differ(&attempt.secondary, &seen.secondary_id),
    }
}
