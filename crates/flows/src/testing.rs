//! A small town to tell stories in: a shop on a clock that stands still, goods, customers, and
//! short words for what they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{NewProduct, NewVariant, Status};
use identity::{Identity, NewAccount, NewAddress, PasswordPolicy, Role};
use kernel::{
    AccountId, AttemptId, Currency, Env, Error, Fault, ManualClock, Money, OrderId, SignedDuration,
    Timestamp, VariantId,
};
use payments::{News, RefundState, Saw};
use store::Db;
use store::idempotency::Key;

use crate::{
    Answer, Change, NewsEffect, Opening, Owner, Paying, Placed, QuoteView, RefundNews, Settings,
    Shop, Source,
};

/// The gateway of the town; nobody is behind it, and what it says is what a story says.
pub const GATEWAY: &str = "sandbox";

/// At the gateway of the town, which today takes nothing but roubles.
///
/// # Panics
/// Never: it is a rate.
#[expect(clippy::expect_used, reason = "a constant")]
pub fn in_roubles() -> Opening {
    let rate = "101.2537".parse().expect("a rate");
    Opening { rate: Some((Currency::RUB, rate)), ..Opening::at(GATEWAY) }
}

/// A shop with its clock and its staff.
#[derive(Clone)]
pub struct Town {
    /// The shop.
    pub shop: Shop,
    /// Moves its time.
    pub clock: Arc<ManualClock>,
    /// Somebody of the shop.
    pub staff: AccountId,
    identity: Identity,
    next: Arc<AtomicU64>,
}

impl Town {
    /// Opens a shop on `db`; the time is early in 2027 and the dice are decided by `seed`.
    ///
    /// # Panics
    /// When the town cannot be built: a story cannot be told without.
    pub async fn open(db: &Db, seed: u64) -> Self {
        Self::with_settings(db, seed, Settings::default()).await
    }

    /// As [`Town::open`], where the merchant decided otherwise.
    ///
    /// # Panics
    /// As [`Town::open`].
    #[expect(clippy::expect_used, reason = "a story cannot be told without its town")]
    pub async fn with_settings(db: &Db, seed: u64, settings: Settings) -> Self {
        println!("seed {seed}");
        let start = Timestamp::from_second(1_800_000_000).expect("an instant");
        let (env, clock) = Env::manual(start, seed);
        let cheap = PasswordPolicy { memory_kib: 8, passes: 1 };
        let identity = Identity::new(cheap, &env).expect("a policy");
        let shop = Shop::open(db.clone(), env.clone(), settings).await.expect("a shop");
        let staff = env.id();
        Self { shop, clock, staff, identity, next: Arc::default() }
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets time go by.
    pub fn wait(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// A customer with an address.
    ///
    /// # Panics
    /// When the shop does not want the customer.
    #[expect(clippy::expect_used, reason = "a story cannot be told without its people")]
    pub async fn customer(&self) -> AccountId {
        let (shop, number) = (&self.shop, self.next());
        let new = NewAccount {
            login: format!("c{number}@example.org"),
            password: format!("a long password {number}"),
            name: "Ada Byron".into(),
        };
        let made = self.identity.create(&shop.db, &shop.env, new, Role::Customer).await;
        let id = made.expect("an account").id;
        let address = NewAddress {
            name: "Ada Byron".into(),
            line1: "1 Long Lane".into(),
            city: "London".into(),
            postcode: "N1 9GU".into(),
            country: "GB".into(),
            ..NewAddress::default()
        };
        let env = shop.env.clone();
        let kept = shop.db.write(move |tx| identity::addresses::add(tx, &env, id, address.clone()));
        kept.await.expect("an address");
        id
    }

    /// A product at `price` with a variant for each of `units`.
    ///
    /// # Panics
    /// When the shop does not take the product.
    #[expect(clippy::expect_used, reason = "a story cannot be told without its goods")]
    pub async fn product(&self, price: i64, units: &[i64]) -> Vec<VariantId> {
        let number = self.next();
        let variant = |index: usize| {
            let price = Money::new(price, self.shop.settings.currency);
            let size = format!("{index}");
            let mut new = NewVariant::new(format!("SKU-{number}-{index}"), price);
            new.options.insert("size".into(), size);
            new
        };
        let new = NewProduct {
            slug: format!("shirt-{number}"),
            title: "Linen shirt".into(),
            description: String::new(),
            category: None,
            status: Status::Active,
            variants: (0..units.len()).map(variant).collect(),
            images: Vec::new(),
        };
        let (env, units) = (self.shop.env.clone(), units.to_vec());
        let made = self.shop.db.write(move |tx| {
            let page = catalog::create_product(tx, &env, &new)?;
            for (variant, units) in page.variants.iter().zip(&units) {
                let ids = (variant.id, variant.product_id);
                inventory::receive(tx, &env, ids, *units, None)?;
            }
            let ids: Vec<VariantId> = page.variants.iter().map(|variant| variant.id).collect();
            Ok::<_, Error<catalog::CatalogRefusal>>(ids)
        });
        made.await.expect("a product")
    }

    /// A variant of its own at 10.00 with so many units.
    pub async fn goods(&self, units: i64) -> VariantId {
        self.product(1000, &[units]).await[0]
    }

    /// A key that nobody has used.
    pub fn key(&self, whose: AccountId, route: &'static str) -> Key {
        Key::new(whose.0, route, format!("key {}", self.next()), route.as_bytes())
    }

    /// Puts `quantity` more of a variant into the customer's cart.
    pub async fn add(&self, who: AccountId, variant: VariantId, quantity: i64) -> Answer<()> {
        self.shop.set_line(Owner::Account(who), variant, Change::By(quantity)).await.map(|_| ())
    }

    /// A quote for the customer's cart.
    pub async fn quote_cart(&self, who: AccountId) -> Answer<QuoteView> {
        self.shop.quote(who, Source::Cart, None).await
    }

    /// A quote for one thing.
    pub async fn quote_one(
        &self,
        who: AccountId,
        variant_id: VariantId,
        quantity: i64,
    ) -> Answer<QuoteView> {
        self.shop.quote(who, Source::BuyNow { variant_id, quantity }, None).await
    }

    /// Orders the customer's cart.
    pub async fn order_cart(&self, who: AccountId, method: &str) -> Answer<Placed> {
        let quote = self.quote_cart(who).await?;
        self.shop.place(who, &quote.token, method).await
    }

    /// Buys one thing without touching the cart.
    pub async fn buy(
        &self,
        who: AccountId,
        variant: VariantId,
        quantity: i64,
        method: &str,
    ) -> Answer<Placed> {
        let quote = self.quote_one(who, variant, quantity).await?;
        self.shop.place(who, &quote.token, method).await
    }

    /// Means to pay an order.
    pub async fn intend(&self, who: AccountId, order: OrderId) -> Answer<Paying> {
        self.intend_at(who, order, Opening::at(GATEWAY)).await
    }

    /// Means to pay an order in this way.
    pub async fn intend_at(
        &self,
        who: AccountId,
        order: OrderId,
        opening: Opening,
    ) -> Answer<Paying> {
        self.shop.intend_payment(who, order, opening, self.key(who, "pay")).await
    }

    /// What the gateway might say of an attempt to pay.
    pub fn news(&self, paying: &Paying, saw: Saw) -> News {
        let reference = format!("pay_{}", paying.attempt_id);
        News::of(saw, paying.amount, reference, "notice")
    }

    /// The gateway says that the money has come.
    pub async fn captured(&self, paying: &Paying) -> Answer<NewsEffect> {
        self.say(paying, self.news(paying, Saw::Captured)).await
    }

    /// The gateway says something.
    pub async fn say(&self, paying: &Paying, news: News) -> Answer<NewsEffect> {
        self.shop.payment_news(paying.order_id, paying.attempt_id, news).await
    }

    /// Pays an order.
    pub async fn pay(&self, who: AccountId, order: OrderId) -> Answer<AttemptId> {
        let paying = self.intend(who, order).await?;
        self.captured(&paying).await?;
        Ok(paying.attempt_id)
    }

    /// The buyer calls an order off.
    pub async fn cancel(&self, who: AccountId, order: OrderId) -> Answer<()> {
        self.shop.cancel(who, order, self.key(who, "cancel")).await
    }

    /// Staff move an order on.
    pub async fn advance(&self, order: OrderId, to: orders::State) -> Answer<()> {
        self.shop.advance(self.staff, order, to, self.key(self.staff, "advance")).await
    }

    /// The gateway ends every refund of an order like this.
    pub async fn end_refunds(&self, order: OrderId, state: RefundState) -> Answer<usize> {
        let refunds = self.shop.db.read(move |read| payments::refunds_of_order(read, order));
        let refunds = refunds.await?;
        for refund in &refunds {
            let reference = Some(format!("back_{}", refund.id));
            let failure = (state == RefundState::Failed).then(|| "refused".to_owned());
            let (refund_id, order_id) = (refund.id, order);
            let news = RefundNews { refund_id, order_id, says: state, reference, failure };
            self.shop.refund_news(news).await?;
        }
        Ok(refunds.len())
    }

    /// Ends what time has ended, as the schedule does.
    pub async fn sweep(&self) -> Result<(), Fault> {
        while self.shop.sweep().await? != (0, 0) {}
        Ok(())
    }

    /// Hands every waiting event on, as the relay does.
    pub async fn drain(&self) -> Result<(), Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| store::outbox::due(read, now, i64::MAX)).await?;
        self.shop.db.write(move |tx| store::outbox::delivered(tx, &due, now)).await
    }

    /// The counters of a variant.
    ///
    /// # Panics
    /// When they cannot be read.
    #[expect(clippy::expect_used, reason = "a story asks about what is there")]
    pub async fn stock(&self, variant: VariantId) -> inventory::Stock {
        let levels =
            self.shop.db.read(move |read| inventory::levels(read, [variant])?.answer(read)).await;
        levels.expect("levels").pop().expect("a variant that is counted")
    }

    /// An order as it stands.
    ///
    /// # Panics
    /// When it cannot be read.
    #[expect(clippy::expect_used, reason = "a story asks about what is there")]
    pub async fn order(&self, id: OrderId) -> orders::Order {
        let found = self.shop.db.read(move |read| orders::find(read, id)).await;
        found.expect("orders").expect("an order")
    }

    /// The shop's currency.
    pub fn currency(&self) -> Currency {
        self.shop.settings.currency
    }
}
