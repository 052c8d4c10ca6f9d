//! What can happen next in a scene: each flow that moves stock or money, as its caller does it,
//! with the caller's key. Asking again with the same key is the same wish.

use catalog::{NewProduct, NewVariant, Status};
use flows::testing::GATEWAY;
use flows::{Answer, CASH_ON_DELIVERY, Change, Owner, RefundOf, RefundWish, Refusal};
use gateways::Payer;
use kernel::{AccountId, Currency, Error, Fault, Money};
use sim::Process;
use store::idempotency::Key;

use crate::provider::RESERVING;
use crate::scene::{Scene, receive};

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Play {
    /// Bob puts the free shirt into his cart.
    Put,
    /// Somebody who never had a cart puts a sock into one.
    FirstPut,
    /// Ada takes everything out of hers.
    Clear,
    /// Ada wants more time for what she has.
    Extend,
    /// Ada orders her cart and pays the courier.
    PlaceCash,
    /// Ada orders her cart in another tab, to pay at the provider.
    PlaceGateway,
    /// Bob orders the free shirt.
    BuyNow,
    /// Ada begins to pay the order that waits.
    Pay,
    /// The notice of the overdue order's payment is looked into.
    Notice,
    /// The provider is asked about payments nobody has told of.
    Poll,
    /// The same notice comes once more.
    NoticeAgain,
    /// Ada comes back from paying the expired order.
    LateSuccess,
    /// Ada calls the overdue order off.
    CancelOverdue,
    /// Ada calls off the order she has paid.
    CancelPaid,
    /// Staff pack the paid order.
    Pack,
    /// What time has ended is ended: two holds and the overdue order.
    Sweep,
    /// Staff find that the free shirt is not there.
    Adjust,
    /// Staff change the price of a shirt.
    Price,
    /// Staff take a new product into the shop.
    Stocking,
    /// Refunds that are due are made.
    Refund,
    /// Events are handed on.
    HandOn,
    /// Bob leaves a line for later.
    Select,
    /// A visitor's cart goes into bob's.
    Merge,
    /// Ada comes back from paying the order whose money is reserved.
    Capture,
    /// Ada calls that order off.
    CallOff,
    /// Ada pays that order elsewhere instead.
    Switch,
    /// Staff give a part of the paid order's money back.
    GiveBack,
    /// Ada begins to pay the order that waits where money is reserved first.
    Elsewhere,
    /// A bug that a broken call brings out: one more shirt, without a key.
    OneMore,
    /// A bug that two callers bring out: looks how many there are, then takes so many.
    TakeAll,
}

impl Play {
    /// All of them that have no bug.
    pub const ALL: [Self; 28] = [
        Self::Put,
        Self::FirstPut,
        Self::Clear,
        Self::Extend,
        Self::PlaceCash,
        Self::PlaceGateway,
        Self::BuyNow,
        Self::Pay,
        Self::Notice,
        Self::Poll,
        Self::NoticeAgain,
        Self::LateSuccess,
        Self::CancelOverdue,
        Self::CancelPaid,
        Self::Pack,
        Self::Sweep,
        Self::Adjust,
        Self::Price,
        Self::Stocking,
        Self::Refund,
        Self::HandOn,
        Self::Select,
        Self::Merge,
        Self::Capture,
        Self::CallOff,
        Self::Switch,
        Self::GiveBack,
        Self::Elsewhere,
    ];

    /// Whether it is short enough for every order of its steps and another's to be gone through:
    /// what calls a gateway three times has millions with its like.
    pub fn is_short(self) -> bool {
        !matches!(self, Self::Capture | Self::Switch | Self::Elsewhere)
    }

    /// Does it. Gives what its caller learns: what was done, or why not. A fault is that nobody
    /// knows.
    pub async fn act(self, process: &Process, scene: &Scene) -> Result<String, Fault> {
        match self.really(process, scene).await {
            Ok(done) => Ok(done),
            Err(Error::Refused(Refusal::GatewayBusy)) => {
                Err(Fault::Unavailable("the gateway is mute".into()))
            }
            Err(Error::Refused(refusal)) => Ok(format!("{refusal:?}")),
            Err(Error::Fault(fault)) => Err(fault),
        }
    }

    async fn really(self, process: &Process, scene: &Scene) -> Answer<String> {
        let Process { shop, cashier, jobs } = process;
        let Scene { ada, bob, cyd, staff, shirt, sock, .. } = *scene;
        let cart = |who| Owner::Account(who);
        match self {
            Self::Put => drop(shop.set_line(cart(bob), shirt, Change::Set(1)).await?),
            Self::FirstPut => drop(shop.set_line(cart(cyd), sock, Change::Set(1)).await?),
            Self::Clear => drop(shop.clear_cart(cart(ada)).await?),
            Self::Extend => drop(shop.extend_cart(cart(ada)).await?),
            Self::PlaceCash => return self.place(process, ada, &scene.cart_quotes[0].1).await,
            Self::PlaceGateway => return self.place(process, ada, &scene.cart_quotes[1].1).await,
            Self::BuyNow => return self.place(process, bob, &scene.buy_quote.1).await,
            Self::Pay => {
                let key = self.key(ada);
                let started =
                    cashier.start(ada, scene.waiting, GATEWAY, Payer::default(), key).await?;
                return Ok(format!("{:?}", started.state));
            }
            Self::Notice => drop(cashier.read_notices().await?),
            Self::Poll => drop(cashier.poll().await?),
            Self::NoticeAgain => {
                let status = receive(process, scene.overdue_attempt).await;
                if status == 503 {
                    return Err(Fault::Unavailable("the notice was not kept".into()).into());
                }
                return Ok(status.to_string());
            }
            Self::LateSuccess => cashier.look(scene.expired).await?,
            Self::CancelOverdue => shop.cancel(ada, scene.overdue, self.key(ada)).await?,
            Self::CancelPaid => shop.cancel(ada, scene.paid, self.key(ada)).await?,
            Self::Pack => {
                shop.advance(staff, scene.paid, orders::State::Packed, self.key(staff)).await?;
            }
            Self::Sweep => while shop.sweep().await? != (0, 0) {},
            Self::Adjust => {
                let (reason, key) = ("not there".into(), self.key(staff));
                shop.adjust_stock(staff, shirt, -1, reason, key).await?;
            }
            Self::Price => {
                let price = Money::new(1100, shop.settings.currency);
                let edited = shop.db.write(move |tx| catalog::set_price(tx, shirt, price)).await;
                edited.map_err(|error| match error {
                    Error::Fault(fault) => fault,
                    Error::Refused(refusal) => Fault::Broken(refusal.to_string()),
                })?;
            }
            Self::Stocking => {
                let key = Some(self.key(staff));
                let made = shop.stock_new_product(staff, a_hat(), vec![3], key).await;
                made.map_err(|error| match error {
                    Error::Fault(fault) => fault,
                    Error::Refused(refusal) => Fault::Broken(refusal.to_string()),
                })?;
            }
            Self::Refund => drop(cashier.refund().await?),
            Self::HandOn => drop(jobs.hand_on().await?),
            Self::Select => drop(shop.select_lines(cart(bob), Some(vec![sock]), false).await?),
            Self::Merge => drop(shop.merge_carts(scene.visitor.to_vec(), bob).await?),
            Self::Capture => cashier.look(scene.reserved).await?,
            Self::CallOff => shop.cancel(ada, scene.reserved, self.key(ada)).await?,
            Self::Switch | Self::Elsewhere => {
                let (order, gateway) = match self {
                    Self::Switch => (scene.reserved, GATEWAY),
                    _ => (scene.waiting, RESERVING),
                };
                let started =
                    cashier.start(ada, order, gateway, Payer::default(), self.key(ada)).await?;
                return Ok(format!("{:?}", started.state));
            }
            Self::GiveBack => {
                let of = RefundOf::Amount(500);
                let wish = RefundWish { of, reason: "torn".to_owned() };
                shop.refund(staff, scene.paid, wish, self.key(staff)).await?;
            }
            Self::OneMore => drop(shop.set_line(cart(bob), sock, Change::By(1)).await?),
            Self::TakeAll => {
                let look = shop.db.read(move |read| inventory::levels(read, [shirt])?.answer(read));
                let levels = look.await?;
                let all = levels.first().map_or(0, inventory::Stock::available);
                let (reason, key) = ("all of them".into(), self.key(staff));
                if all > 0 {
                    shop.adjust_stock(staff, shirt, -all, reason, key).await?;
                }
            }
        }
        Ok("done".into())
    }

    async fn place(self, process: &Process, who: AccountId, token: &str) -> Answer<String> {
        let method = if self == Self::PlaceGateway { GATEWAY } else { CASH_ON_DELIVERY };
        let placed = process.shop.place(who, token, method).await?;
        Ok(format!("{} {}", placed.number, placed.state))
    }

    fn key(self, who: AccountId) -> Key {
        Key::new(who.0, "play", format!("{self:?}"), b"play")
    }
}

fn a_hat() -> NewProduct {
    NewProduct {
        slug: "hat".into(),
        title: "Felt hat".into(),
        description: String::new(),
        category: None,
        status: Status::Active,
        variants: vec![NewVariant::new("HAT-1", Money::new(4500, Currency::EUR))],
        images: Vec::new(),
    }
}
