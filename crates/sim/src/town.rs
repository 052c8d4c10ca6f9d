//! The shop that every life begins with: a few customers with an address, a few things to sell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{CatalogRefusal, NewProduct, NewVariant, Status};
use flows::{CASH_ON_DELIVERY, SCHEMAS, Settings};
use identity::{Identity, NewAccount, NewAddress, PasswordPolicy, Role, addresses};
use kernel::{AccountId, Currency, Env, Error, Money, Rate, Timestamp, VariantId};
use store::Db;
use store::testing::Memory;

use crate::bank::{GATEWAYS, TWO_STAGE};

/// The customers by name.
pub const CUSTOMERS: [&str; 3] = ["Ada", "Ben", "Cleo"];
/// Prices and units of what is sold.
const GOODS: [(i64, i64); 3] = [(1000, 3), (2550, 6), (199, 40)];

/// When every life begins: early in 2027.
pub fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What the merchant decided: times as they are, but a hold is given more time only twice.
pub fn settings() -> Settings {
    let mut methods: Vec<String> = GATEWAYS.map(str::to_owned).to_vec();
    methods.push(CASH_ON_DELIVERY.into());
    Settings { hold_extensions_max: 2, methods, rates: rates(0), ..Settings::default() }
}

/// What a euro costs in roubles, in ten-thousandths: whenever the shop is opened again the merchant
/// may have changed his mind.
const ROUBLES: [i64; 3] = [1_012_537, 987_650, 1_150_001];

/// The nth rates that the merchant thought of.
pub fn rates(nth: usize) -> BTreeMap<Currency, Rate> {
    let parts = ROUBLES[nth % ROUBLES.len()] * 10_000;
    Rate::from_parts(parts).map(|rate| (Currency::RUB, rate)).into_iter().collect()
}

/// Whether a payer at this gateway may be asked for `asked` for an order of `total`: at one of the
/// rates there ever were. The bank's own sum, with nothing of the shop's.
pub fn may_cost(total: Money, gateway: &str, asked: Money) -> bool {
    if gateway != TWO_STAGE {
        return asked == total;
    }
    let at = |rate: &i64| Money::new((total.minor * rate + 5000) / 10_000, Currency::RUB);
    ROUBLES.iter().map(at).any(|cost| cost == asked)
}

/// Something that is sold.
#[derive(Clone, Copy, Debug)]
pub struct Good {
    /// Which.
    pub variant: VariantId,
    /// What it costs in the beginning, minor units.
    pub price: i64,
    /// How many there are in the beginning.
    pub units: i64,
}

/// The shop that every life begins with. Made once; each life has a copy.
pub struct Town {
    memory: Memory,
    /// Copies that a life has lived in.
    used: Mutex<Vec<Memory>>,
    /// In the order of [`CUSTOMERS`].
    pub customers: Vec<AccountId>,
    /// Somebody of the shop.
    pub staff: AccountId,
    /// What is sold.
    pub goods: Vec<Good>,
}

impl Town {
    /// Builds the town; `altered` is run on its tables at last, for bugs that are planted there.
    pub fn build(altered: &str) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(text)?;
        let memory = Memory::new(SCHEMAS).map_err(text)?;
        let (env, _) = Env::manual(start(), 1);
        let db = memory.open(Arc::new(()), None);
        let customers = runtime.block_on(customers(&db, &env))?;
        let goods = runtime.block_on(goods(&db, &env)).map_err(text)?;
        memory.raw(altered).map_err(text)?;
        Ok(Self { memory, used: Mutex::default(), customers, staff: env.id(), goods })
    }

    /// A database for a life.
    pub fn move_in(&self) -> Result<Memory, String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(memory) = used {
            memory.put_back().map_err(text)?;
            return Ok(memory);
        }
        let memory = self.memory.copy().map_err(text)?;
        memory.remember().map_err(text)?;
        Ok(memory)
    }

    /// Gives it back for another life; nobody else may have it.
    pub fn move_out(&self, memory: Memory) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

async fn customers(db: &Db, env: &Env) -> Result<Vec<AccountId>, String> {
    // Nobody signs in with these passwords: they may be cheap.
    let cheap = PasswordPolicy { memory_kib: 8, passes: 1 };
    let identity = Identity::new(cheap, env).map_err(text)?;
    let mut ids = Vec::new();
    for name in CUSTOMERS {
        let new = NewAccount {
            login: format!("{}@example.org", name.to_lowercase()),
            password: format!("the long password of {name}"),
            name: name.to_owned(),
        };
        let made = identity.create(db, env, new, Role::Customer).await;
        let id = made.map_err(text)?.id;
        let address = NewAddress {
            name: name.to_owned(),
            line1: "1 Long Lane".into(),
            city: "London".into(),
            postcode: "N1 9GU".into(),
            country: "GB".into(),
            ..NewAddress::default()
        };
        let env = env.clone();
        db.write(move |tx| addresses::add(tx, &env, id, address.clone())).await.map_err(text)?;
        ids.push(id);
    }
    Ok(ids)
}

async fn goods(db: &Db, env: &Env) -> Result<Vec<Good>, Error<CatalogRefusal>> {
    let currency = settings().currency;
    let mut goods = Vec::new();
    for (number, (price, units)) in (1..).zip(GOODS) {
        let new = NewProduct {
            slug: format!("thing-{number}"),
            title: format!("Thing {number}"),
            description: String::new(),
            category: None,
            status: Status::Active,
            variants: vec![NewVariant::new(format!("T-{number}"), Money::new(price, currency))],
            images: Vec::new(),
        };
        let env = env.clone();
        let made = db.write(move |tx| {
            let page = catalog::create_product(tx, &env, &new)?;
            let ids: Vec<_> = page.variants.iter().map(|it| (it.id, it.product_id)).collect();
            for ids in &ids {
                inventory::receive(tx, &env, *ids, units, None)?;
            }
            Ok::<_, Error<CatalogRefusal>>(ids)
        });
        let made = made.await?;
        goods.extend(made.into_iter().map(|(variant, _)| Good { variant, price, units }));
    }
    Ok(goods)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
