//! One gateway of the bank, as the shop's process calls it.

use std::time::Duration;

use async_trait::async_trait;
use gateways::{
    CancelReason, Capabilities, CaptureMode, CapturePayment, Confirmation, CreatePayment,
    CreateRefund, Created, Currencies, Gateway, GatewayError, IdempotencyKey, Notification,
    Observation, PaymentRef, RawNotification, RefundObservation, RefundRef, RemoteRefundStatus,
    RemoteStatus, Url, VoidUnpaid,
};
use kernel::{AttemptId, Currency, Money, SignedDuration, Timestamp};

use super::{Bank, GivenBack, Payment, Stands, courier};
use crate::doors::{Fate, Port, Side};
use crate::trace::short;
use crate::trouble::Trouble;

/// The gateway that reserves money before it takes it, and takes nothing but roubles.
pub(crate) const TWO_STAGE: &str = "harbour";

/// One gateway of the bank.
pub struct Teller {
    name: &'static str,
    bank: Bank,
    capabilities: Capabilities,
}

impl Teller {
    /// The teller of this name.
    pub fn new(name: &'static str, bank: Bank) -> Self {
        // The one takes money at once and cannot call a page off; the other reserves it first, and
        // takes nothing but roubles.
        let capabilities = if name == TWO_STAGE {
            Capabilities {
                capture_modes: &[CaptureMode::Manual, CaptureMode::Immediate],
                void_unpaid: VoidUnpaid::Supported,
                currencies: Currencies::Only(&[Currency::RUB]),
                ..Capabilities::simple()
            }
        } else {
            Capabilities::simple()
        };
        Self { name, bank, capabilities }
    }

    /// One side of a call. On the way there nothing has happened when it breaks; on the way back
    /// nobody knows.
    async fn pass(&self, port: Port, side: Side, within: Duration) -> Result<(), GatewayError> {
        let broken = |words: String| match side {
            Side::Before => GatewayError::NotSent(words),
            Side::After => GatewayError::Unknown(words),
        };
        match self.bank.doors.fate(port, side).await {
            Fate::Late(by) if by.unsigned_abs() > within => {
                let patience = SignedDuration::try_from(within).unwrap_or(SignedDuration::ZERO);
                self.bank.executor.sleep(patience).await;
                Err(GatewayError::Unknown("time ran out".into()))
            }
            Fate::Late(by) => {
                self.bank.executor.sleep(by).await;
                Ok(())
            }
            Fate::Break(fault) => Err(broken(fault.to_string())),
            Fate::Pass | Fate::Crash => Ok(()),
        }
    }

    fn observed(&self, payment: &Payment, asked: &PaymentRef) -> Observation {
        let status = match payment.stands {
            Stands::Open => RemoteStatus::AwaitingPayer,
            Stands::Authorized => RemoteStatus::Authorized { until: None },
            Stands::Captured => RemoteStatus::Captured,
            Stands::Declined => RemoteStatus::Canceled { reason: CancelReason::Declined },
            Stands::Lapsed => RemoteStatus::Canceled { reason: CancelReason::Expired },
            Stands::Voided => RemoteStatus::Canceled { reason: CancelReason::Voided },
            Stands::Forgone => {
                let reason = CancelReason::Other("expired on capture".to_owned());
                RemoteStatus::Canceled { reason }
            }
        };
        let authorized = payment.stands == Stands::Authorized;
        let captured = payment.stands == Stands::Captured;
        let nothing = Money::zero(payment.charged.currency);
        Observation {
            gateway_id: Some(payment.says.clone()),
            authorized: if authorized { payment.charged } else { nothing },
            captured: if captured { payment.charged } else { nothing },
            refunded: Some(Money::new(payment.refunded, payment.charged.currency)),
            test: true,
            ..Observation::bare(asked.attempt, status, payment.asked, self.now())
        }
    }

    fn absent(&self, asked: &PaymentRef) -> Observation {
        let absent = RemoteStatus::Absent;
        let seen = Observation::bare(asked.attempt, absent, asked.amount, self.now());
        Observation { test: true, ..seen }
    }

    fn now(&self) -> Timestamp {
        self.bank.executor.clock().true_now()
    }

    /// Opens a payment, once for each attempt.
    fn open(&self, request: &CreatePayment) -> Result<Payment, GatewayError> {
        let known = self.bank.book().payments.get(&request.attempt).cloned();
        if let Some(payment) = known {
            let same = payment.asked == request.amount && payment.gateway == self.name;
            if same {
                return Ok(payment);
            }
            let wrong = format!("{} asked for with two amounts", short(request.attempt));
            self.bank.book().wrongs.push(wrong);
            return Err(GatewayError::Conflict);
        }
        if self.bank.strikes(Trouble::Gateway, 30) {
            return Err(GatewayError::Declined { reason: "not today".into() });
        }
        if self.bank.strikes(Trouble::Gateway, 20) {
            return Err(GatewayError::RateLimited { after: None });
        }
        let mut book = self.bank.book();
        let reference = format!("pay_{:03}", book.payments.len() + 1);
        let payment = Payment {
            attempt: request.attempt,
            gateway: self.name,
            says: reference.clone(),
            reference,
            stands: Stands::Open,
            manual: request.capture == CaptureMode::Manual,
            asked: request.amount,
            charged: request.amount,
            refunded: 0,
            lie: None,
            deadline: request.payer_deadline,
        };
        book.payments.insert(request.attempt, payment.clone());
        Ok(payment)
    }

    fn stands_refund(&self, asked: &RefundRef) -> RemoteRefundStatus {
        match self.bank.book().refunds.get_mut(&asked.refund) {
            None => RemoteRefundStatus::Absent,
            Some(known) if known.pending == 0 => RemoteRefundStatus::Succeeded,
            Some(known) => {
                known.pending -= 1;
                RemoteRefundStatus::Pending
            }
        }
    }

    /// Takes what is reserved, once.
    fn take(&self, request: &CapturePayment) -> Result<Observation, GatewayError> {
        let attempt = request.payment.attempt;
        let mut guard = self.bank.book();
        let book = &mut *guard;
        let Some(payment) = book.payments.get_mut(&attempt) else {
            book.wrongs.push(format!("{} captured, which nobody opened", short(attempt)));
            return Err(GatewayError::NotFound);
        };
        if payment.stands != Stands::Authorized {
            // Taken before is no harm; what was never reserved should not be asked for.
            if payment.stands == Stands::Open {
                book.wrongs.push(format!("{} captured, which nobody paid", short(attempt)));
            }
            return Err(GatewayError::WrongState(None));
        }
        if request.amount != payment.charged {
            book.wrongs.push(format!("{} captured with another amount", short(attempt)));
            return Err(GatewayError::Invalid { code: "amount".into(), param: None });
        }
        payment.stands = Stands::Captured;
        let seen = self.observed(payment, &request.payment);
        drop(guard);
        self.bank.trace.say(|| format!("bank: {} is captured", short(attempt)));
        self.bank.tell(attempt);
        Ok(seen)
    }

    /// Calls a payment off, or lets its money go.
    fn let_go(&self, asked: &PaymentRef) -> Result<Observation, GatewayError> {
        if self.name != TWO_STAGE {
            return Err(GatewayError::Unsupported);
        }
        let mut guard = self.bank.book();
        let Some(payment) = guard.payments.get_mut(&asked.attempt) else {
            return Err(GatewayError::NotFound);
        };
        if !matches!(payment.stands, Stands::Open | Stands::Authorized | Stands::Voided) {
            let truth = self.observed(payment, asked);
            return Err(GatewayError::WrongState(Some(Box::new(truth))));
        }
        let before = payment.stands;
        payment.stands = Stands::Voided;
        let seen = self.observed(payment, asked);
        drop(guard);
        if before != Stands::Voided {
            self.bank.trace.say(|| format!("bank: {} is let go", short(asked.attempt)));
            self.bank.tell(asked.attempt);
        }
        Ok(seen)
    }

    /// Gives money back, once for each refund.
    fn give_back(&self, request: &CreateRefund) -> Result<RemoteRefundStatus, GatewayError> {
        let attempt = request.payment.attempt;
        let pending = usize::from(self.bank.strikes(Trouble::Gateway, 300));
        let mut guard = self.bank.book();
        let book = &mut *guard;
        if let Some(known) = book.refunds.get_mut(&request.refund) {
            if known.attempt != attempt || known.amount != request.amount {
                return Err(GatewayError::Conflict);
            }
            let done = known.pending == 0;
            known.pending = known.pending.saturating_sub(1);
            let pending = RemoteRefundStatus::Pending;
            return Ok(if done { RemoteRefundStatus::Succeeded } else { pending });
        }
        let Some(payment) = book.payments.get_mut(&attempt) else {
            book.wrongs.push(format!("a refund of {}, which nobody paid", short(attempt)));
            return Err(GatewayError::NotFound);
        };
        let left = payment.charged.minor - payment.refunded;
        let captured = payment.stands == Stands::Captured;
        if !captured || request.amount.minor > left {
            let words = format!("{} asked back of {left} left", request.amount.minor);
            book.wrongs.push(format!("{}: {words}", payment.reference));
            return Err(GatewayError::WrongState(None));
        }
        payment.refunded += request.amount.minor;
        let words = format!("bank: {} of {} goes back", request.amount, payment.reference);
        book.refunds.insert(request.refund, GivenBack { attempt, amount: request.amount, pending });
        drop(guard);
        self.bank.trace.say(|| words);
        Ok(if pending == 0 { RemoteRefundStatus::Succeeded } else { RemoteRefundStatus::Pending })
    }
}

#[async_trait]
impl Gateway for Teller {
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
        within: Duration,
    ) -> Result<Created, GatewayError> {
        self.pass(Port::Create, Side::Before, within).await?;
        let opened = self.open(request);
        self.pass(Port::Create, Side::After, within).await?;
        let payment = opened?;
        let url = page(request.attempt)?;
        let asked = PaymentRef {
            attempt: request.attempt,
            gateway_id: None,
            secondary_id: None,
            amount: request.amount,
        };
        Ok(Created {
            observation: self.observed(&payment, &asked),
            confirmation: Confirmation::Redirect { url, valid_until: payment.deadline },
        })
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.pass(Port::Fetch, Side::Before, within).await?;
        let found = self.bank.book().payments.get(&payment.attempt).cloned();
        let seen = match found {
            Some(found) => Ok(self.observed(&found, payment)),
            None if payment.gateway_id.is_none() => Ok(self.absent(payment)),
            None => Err(GatewayError::NotFound),
        };
        self.pass(Port::Fetch, Side::After, within).await?;
        seen
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        _: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.pass(Port::Capture, Side::Before, within).await?;
        let taken = self.take(request);
        self.pass(Port::Capture, Side::After, within).await?;
        taken
    }

    async fn void(
        &self,
        payment: &PaymentRef,
        _: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.pass(Port::Void, Side::Before, within).await?;
        let gone = self.let_go(payment);
        self.pass(Port::Void, Side::After, within).await?;
        gone
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        _: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        self.pass(Port::Refund, Side::Before, within).await?;
        let given = self.give_back(request);
        self.pass(Port::Refund, Side::After, within).await?;
        Ok(RefundObservation {
            gateway_id: Some(format!("back_{}", short(request.refund))),
            ..RefundObservation::bare(request.refund, given?, request.amount, self.now())
        })
    }

    async fn fetch_refund(
        &self,
        asked: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        self.pass(Port::Fetch, Side::Before, within).await?;
        let status = self.stands_refund(asked);
        self.pass(Port::Fetch, Side::After, within).await?;
        Ok(RefundObservation::bare(asked.refund, status, asked.amount, self.now()))
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        _: Timestamp,
    ) -> Result<Notification, gateways::NotificationError> {
        courier::read(raw)
    }
}

fn page(attempt: AttemptId) -> Result<Url, GatewayError> {
    let url = format!("https://bank.example/pay/{attempt}");
    url.parse().map_err(|_| GatewayError::UntrustedAnswer(url))
}
