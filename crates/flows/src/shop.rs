//! The shop as its use cases see it: a database, the time, settings, and the lane.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Currency, Env, Fault, OrderId, Rate, SignedDuration};
use store::{Db, Schema};

use crate::lane::{Lane, Shape, Spawn};
use crate::seal::Seal;

/// The way to pay that asks no gateway: the order begins with its units sold.
pub const CASH_ON_DELIVERY: &str = "cash_on_delivery";

/// The tables the use cases work on.
pub static SCHEMAS: &[&Schema] = &[
    &store::SCHEMA,
    &identity::SCHEMA,
    &catalog::SCHEMA,
    &inventory::SCHEMA,
    &carts::SCHEMA,
    &orders::SCHEMA,
    &payments::SCHEMA,
];

/// What the law's receipts say (54-FZ), for a shop that has to make them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipts {
    /// The law's code of the goods' tax rate: 1 none, 2 0 %, 3 10 %, 7 5 %, 8 7 %, 11 22 %.
    pub vat_code: u8,
    /// That of the delivery.
    pub delivery_vat_code: u8,
    /// The shop's tax system (1-6), where it has a till of its own.
    pub tax_system: Option<u8>,
}

/// What a merchant decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The currency of the shop.
    pub currency: Currency,
    /// What one unit of it costs in others, for gateways that do not take it.
    pub rates: BTreeMap<Currency, Rate>,
    /// How long a cart's hold lasts.
    pub hold: SignedDuration,
    /// How often a hold is given more time.
    pub hold_extensions_max: i64,
    /// How long a quote is good.
    pub quote: SignedDuration,
    /// How long an order waits for its payment, its units held.
    pub payment: SignedDuration,
    /// What delivery costs, in minor units.
    pub shipping: i64,
    /// Whether money is only reserved at first, where a gateway can, and taken when the order has
    /// its units: then what comes too late or twice is let go, and nothing has to be refunded.
    pub two_stage: bool,
    /// What fiscal receipts say; none are made without.
    pub receipts: Option<Receipts>,
    /// The names of the gateways that can be paid at, cash on delivery among them if wanted.
    pub methods: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            currency: Currency::EUR,
            rates: BTreeMap::new(),
            hold: SignedDuration::from_mins(15),
            hold_extensions_max: 10,
            quote: SignedDuration::from_mins(15),
            payment: SignedDuration::from_mins(30),
            shipping: 490,
            two_stage: true,
            receipts: None,
            methods: vec!["sandbox".into(), CASH_ON_DELIVERY.into()],
        }
    }
}

/// The use cases hang on this. Cheap to clone.
#[derive(Clone)]
pub struct Shop {
    /// The database.
    pub db: Db,
    /// Time and randomness.
    pub env: Env,
    /// What the merchant decided.
    pub settings: Arc<Settings>,
    pub(crate) lane: Lane,
    pub(crate) seal: Arc<Seal>,
}

impl Shop {
    /// Opens the shop on a database that has [`SCHEMAS`]; starts the lane on the current runtime.
    pub async fn open(db: Db, env: Env, settings: Settings) -> Result<Self, Fault> {
        Self::open_with(db, env, settings, Shape::default()).await
    }

    /// As [`Shop::open`], with a lane of another shape.
    pub async fn open_with(
        db: Db,
        env: Env,
        settings: Settings,
        shape: Shape,
    ) -> Result<Self, Fault> {
        let spawn: Spawn = Arc::new(|work| drop(tokio::spawn(work)));
        Self::open_on(db, env, settings, shape, spawn).await
    }

    /// What a link to an order carries, so that whoever was given it sees the order without signing
    /// in. It says nothing by itself, and opens no other order.
    pub fn order_key(&self, order: OrderId) -> String {
        self.seal.mark(&format!("order {order}"))
    }

    /// Whether that is the key of this order.
    pub fn is_order_key(&self, order: OrderId, key: &str) -> bool {
        self.seal.is_mark(&format!("order {order}"), key)
    }

    /// The least time that a command waited for its turn in the lane since this was last asked;
    /// none when none was taken.
    pub fn least_wait(&self) -> Option<Duration> {
        self.lane.least_wait()
    }

    /// As [`Shop::open_with`], with a lane that somebody else than the current runtime runs.
    pub async fn open_on(
        db: Db,
        env: Env,
        settings: Settings,
        shape: Shape,
        spawn: Spawn,
    ) -> Result<Self, Fault> {
        let settings = Arc::new(settings);
        let key = store::secrets::get_or_make(&db, &env, "quote").await?;
        let lane = Lane::start(db.clone(), env.clone(), settings.clone(), shape, spawn);
        Ok(Self { db, env, settings, lane, seal: Arc::new(Seal::new(key)) })
    }
}
