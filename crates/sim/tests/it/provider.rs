//! A payment provider that keeps its word: once for each key, and its book can be looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flows::testing::GATEWAY;
use gateways::{
    CancelReason, Capabilities, CaptureMode, CapturePayment, Confirmation, CreatePayment,
    CreateRefund, Created, Currencies, Gateway, GatewayError, IdempotencyKey, Notification,
    NotificationError, Observation, PaymentRef, RawNotification, RefundObservation, RefundRef,
    RemoteRefundStatus, RemoteStatus, Subject, VoidUnpaid,
};
use kernel::{AttemptId, Currency, Money, RefundId, Timestamp};
use store::Injector;

use crate::interleavings::Gates;

/// What stands between the shop and the provider.
#[derive(Clone)]
pub enum Way {
    /// Faults by number.
    Injector(Arc<Injector>),
    /// Somebody who decides who goes first.
    Gates(Gates),
}

/// A payment in the provider's book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// What is to be paid.
    pub amount: Money,
    /// How it stands.
    pub status: RemoteStatus,
    /// Whether the money is reserved first.
    pub manual: bool,
}

const AUTHORIZED: RemoteStatus = RemoteStatus::Authorized { until: None };

/// Payments and what has gone back.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Book {
    pub payments: BTreeMap<AttemptId, Payment>,
    pub refunds: BTreeMap<RefundId, (AttemptId, Money)>,
}

/// The provider. Clones share the book.
#[derive(Clone)]
pub struct Provider {
    name: &'static str,
    way: Way,
    book: Arc<Mutex<Book>>,
    capabilities: Arc<Capabilities>,
}

/// The way to the same provider on which money is reserved first, and can be let go; it takes
/// nothing but roubles.
pub const RESERVING: &str = "harbour";

impl Provider {
    pub fn new(way: Way, book: Book) -> Self {
        let capabilities = Arc::new(Capabilities::simple());
        Self { name: GATEWAY, way, book: Arc::new(Mutex::new(book)), capabilities }
    }

    /// The same provider, where money is reserved first.
    pub fn reserving(&self) -> Self {
        let capabilities = Arc::new(Capabilities {
            capture_modes: &[CaptureMode::Manual],
            void_unpaid: VoidUnpaid::Supported,
            currencies: Currencies::Only(&[Currency::RUB]),
            ..Capabilities::simple()
        });
        Self { name: RESERVING, capabilities, ..self.clone() }
    }

    /// The same provider, by another way.
    pub fn reached_by(&self, way: Way) -> Self {
        Self { way, ..self.clone() }
    }

    /// What it has in its book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The payer pays every open payment.
    pub fn everybody_pays(&self) {
        for payment in self.book().payments.values_mut() {
            if payment.status == RemoteStatus::AwaitingPayer {
                payment.status = if payment.manual { AUTHORIZED } else { RemoteStatus::Captured };
            }
        }
    }

    /// What has come less what has gone back, for every attempt that has come.
    pub fn kept(&self) -> BTreeMap<AttemptId, i64> {
        let book = self.book();
        let captured = book.payments.iter().filter(|(_, p)| p.status == RemoteStatus::Captured);
        captured
            .map(|(id, payment)| {
                let back = book.refunds.values().filter(|(attempt, _)| attempt == id);
                (*id, payment.amount.minor - back.map(|(_, money)| money.minor).sum::<i64>())
            })
            .collect()
    }

    async fn call<T: Send>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Book) -> T + Send,
    ) -> Result<T, GatewayError> {
        let not_sent = || GatewayError::NotSent("a planned break".into());
        let unknown = || GatewayError::Unknown("a planned break".into());
        match &self.way {
            Way::Injector(injector) => injector
                .call(name, || work(&mut self.book()))
                .map_err(|made| if made { unknown() } else { not_sent() }),
            Way::Gates(gates) => {
                gates.turn(name).await;
                Ok(work(&mut self.book()))
            }
        }
    }
}

fn seen(attempt: AttemptId, payment: &Payment) -> Observation {
    let captured = payment.status == RemoteStatus::Captured;
    let nothing = Money::zero(payment.amount.currency);
    let (status, now) = (payment.status.clone(), Timestamp::UNIX_EPOCH);
    Observation {
        gateway_id: Some(format!("pay_{attempt}")),
        captured: if captured { payment.amount } else { nothing },
        test: true,
        ..Observation::bare(attempt, status, payment.amount, now)
    }
}

fn given_back(refund: RefundId, amount: Money, status: RemoteRefundStatus) -> RefundObservation {
    let gateway_id = Some(format!("back_{refund}"));
    let bare = RefundObservation::bare(refund, status, amount, Timestamp::UNIX_EPOCH);
    RefundObservation { gateway_id, ..bare }
}

#[async_trait]
impl Gateway for Provider {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn create(
        &self,
        request: &CreatePayment,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<Created, GatewayError> {
        let manual = request.capture == CaptureMode::Manual;
        let status = RemoteStatus::AwaitingPayer;
        let fresh = Payment { amount: request.amount, status, manual };
        let open = |book: &mut Book| {
            let payment = book.payments.entry(request.attempt).or_insert(fresh);
            seen(request.attempt, payment)
        };
        let observation = self.call("create", open).await?;
        let url = request.return_url.clone();
        let valid_until = request.payer_deadline;
        Ok(Created { observation, confirmation: Confirmation::Redirect { url, valid_until } })
    }

    async fn fetch(&self, asked: &PaymentRef, _: Duration) -> Result<Observation, GatewayError> {
        let find = |book: &mut Book| {
            if let Some(payment) = book.payments.get(&asked.attempt) {
                return seen(asked.attempt, payment);
            }
            let (amount, status) = (asked.amount, RemoteStatus::Absent);
            let absent = Payment { amount, status, manual: false };
            Observation { gateway_id: None, ..seen(asked.attempt, &absent) }
        };
        self.call("fetch", find).await
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<Observation, GatewayError> {
        let attempt = request.payment.attempt;
        let take = |book: &mut Book| {
            let payment = book.payments.get_mut(&attempt)?;
            if payment.status == AUTHORIZED {
                payment.status = RemoteStatus::Captured;
            }
            Some(seen(attempt, payment))
        };
        self.call("capture", take).await?.ok_or(GatewayError::NotFound)
    }

    async fn void(
        &self,
        asked: &PaymentRef,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<Observation, GatewayError> {
        let end = |book: &mut Book| {
            let payment = book.payments.get_mut(&asked.attempt)?;
            if matches!(payment.status, RemoteStatus::AwaitingPayer | AUTHORIZED) {
                payment.status = RemoteStatus::Canceled { reason: CancelReason::Voided };
            }
            Some(seen(asked.attempt, payment))
        };
        self.call("void", end).await?.ok_or(GatewayError::NotFound)
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let entry = (request.payment.attempt, request.amount);
        let give = |book: &mut Book| {
            let (_, amount) = *book.refunds.entry(request.refund).or_insert(entry);
            given_back(request.refund, amount, RemoteRefundStatus::Succeeded)
        };
        self.call("refund", give).await
    }

    async fn fetch_refund(
        &self,
        asked: &RefundRef,
        _: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let find = |book: &mut Book| match book.refunds.get(&asked.refund) {
            Some((_, amount)) => given_back(asked.refund, *amount, RemoteRefundStatus::Succeeded),
            None => given_back(asked.refund, asked.amount, RemoteRefundStatus::Absent),
        };
        self.call("fetch refund", find).await
    }

    /// A notice is the attempt it is about, in plain text.
    fn receive(
        &self,
        raw: &RawNotification<'_>,
        _: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let text = std::str::from_utf8(raw.body).map_err(|_| NotificationError::Malformed)?;
        let attempt: AttemptId = text.parse().map_err(|_| NotificationError::Malformed)?;
        let gateway_id = Some(format!("pay_{attempt}"));
        let subject = Subject::Payment { gateway_id, secondary_id: None, attempt: Some(attempt) };
        Ok(Notification::signed(text, subject))
    }
}
