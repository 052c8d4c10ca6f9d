//! A payment that cannot be written down holds up nobody else's money.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use flows::lane::Shape;
use flows::{Settings, Source};
use gateways::{
    Capabilities, CreatePayment, CreateRefund, Created, Gateway, GatewayError, IdempotencyKey,
    Notification, NotificationError, Observation, Payer, PaymentRef, RawNotification,
    RefundObservation, RefundRef, RemoteStatus,
};
use kernel::{Env, OrderId, SeededRng, SignedDuration, Timestamp};
use orders::State;
use sim::{Doors, Executor, Fates, Group, InTurn, Process, Site, Town, WorldClock};
use store::idempotency::Key;

/// A gateway that never answers when a payment is opened, and says of each that it was paid; this
/// one calls all of them the same, or not.
struct Parrot {
    name: &'static str,
    one_name_for_all: bool,
    capabilities: Capabilities,
}

impl Parrot {
    fn open(name: &'static str, one_name_for_all: bool) -> Arc<dyn Gateway> {
        let capabilities = Capabilities::simple();
        Arc::new(Self { name, one_name_for_all, capabilities })
    }
}

#[async_trait]
impl Gateway for Parrot {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn create(
        &self,
        _: &CreatePayment,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<Created, GatewayError> {
        Err(GatewayError::Unknown("silence".into()))
    }

    async fn fetch(&self, asked: &PaymentRef, _: Duration) -> Result<Observation, GatewayError> {
        let own = asked.attempt.to_string();
        let (captured, now) = (RemoteStatus::Captured, Timestamp::UNIX_EPOCH);
        Ok(Observation {
            gateway_id: Some(if self.one_name_for_all { "pay_1".to_owned() } else { own }),
            captured: asked.amount,
            test: true,
            ..Observation::bare(asked.attempt, captured, asked.amount, now)
        })
    }

    async fn void(
        &self,
        _: &PaymentRef,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<Observation, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn refund(
        &self,
        _: &CreateRefund,
        _: &IdempotencyKey,
        _: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn fetch_refund(
        &self,
        _: &RefundRef,
        _: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    fn receive(
        &self,
        _: &RawNotification<'_>,
        _: Timestamp,
    ) -> Result<Notification, NotificationError> {
        Err(NotificationError::NotExpected)
    }
}

fn site(town: &Town) -> Site {
    let clock = Arc::new(WorldClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
    let executor = Executor::new(clock.clone(), Box::new(InTurn));
    let fates: Arc<Mutex<dyn Fates>> = Arc::new(Mutex::new(()));
    let methods = vec!["sandbox".to_owned(), "harbour".to_owned()];
    Site {
        memory: town.move_in().unwrap(),
        doors: Doors::new(executor.clone(), fates, Arc::new(|| {})),
        executor,
        env: Env { clock, rng: Arc::new(SeededRng::new(1)) },
        settings: Settings { methods, ..Settings::default() },
        shape: Shape::default(),
        gateways: vec![Parrot::open("sandbox", true), Parrot::open("harbour", false)],
        consumers: Vec::new(),
    }
}

/// An order whose payment was meant at `gateway`, which did not answer.
async fn order(process: &Process, town: &Town, gateway: &'static str) -> OrderId {
    let ada = town.customers[0];
    let source = Source::BuyNow { variant_id: town.goods[2].variant, quantity: 1 };
    let quote = process.shop.quote(ada, source, None).await.unwrap();
    let order = process.shop.place(ada, &quote.token, gateway).await.unwrap().id;
    let key = Key::new(ada.0, "pay", order.to_string(), b"");
    let busy = process.cashier.start(ada, order, gateway, Payer::default(), key).await;
    assert!(busy.is_err(), "the gateway did not answer");
    order
}

#[test]
fn a_payment_that_cannot_be_written_down_holds_up_nobody() {
    let town = Arc::new(Town::build("").unwrap());
    let site = site(&town);
    let executor = site.executor.clone();
    let states = executor.run(Group::Process, async move {
        let process = site.start().await.unwrap();
        let mut orders = Vec::new();
        for gateway in ["sandbox", "sandbox", "harbour"] {
            orders.push(order(&process, &town, gateway).await);
            site.executor.sleep(SignedDuration::from_secs(1)).await;
        }
        site.executor.sleep(SignedDuration::from_mins(1)).await;
        // The second goes by the name of the first, which no two may.
        assert_eq!(process.cashier.poll().await.unwrap(), 3);
        let mut states = Vec::new();
        for id in orders {
            let found = process.shop.db.read(move |read| orders::find(read, id)).await;
            states.push(found.unwrap().unwrap().state);
        }
        states
    });
    assert_eq!(executor.until(states).unwrap(), [State::Paid, State::Pending, State::Paid]);
    assert_eq!(sim::panics::heard(), [""; 0]);
}
