//! A shop in the middle of its day, in which any two things that can get in each other's way can
//! happen next: the last unit, a hold that is over, an order that should have been paid by now,
//! money that comes late, money on its way back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use flows::testing::{GATEWAY, Town};
use flows::{Change, Owner, QuoteView, Settings, Shop};
use gateways::{Gateway, Payer, RawNotification, Url};
use jobs::{Cashier, Jobs, Journal};
use kernel::{
    AccountId, AttemptId, Env, Fault, ManualClock, OrderId, SignedDuration, Timestamp, VariantId,
};
use payments::RefundState;
use sim::Process;
use store::testing::{Memory, TestDb};
use store::{Db, EngineKind, Injector, Tx};

use crate::provider::{Book, Provider, RESERVING, Way};

/// What is where.
#[derive(Clone)]
pub struct Scene {
    pub ada: AccountId,
    pub bob: AccountId,
    pub cyd: AccountId,
    pub staff: AccountId,
    /// One is free; ada's cart holds one, and its time is over.
    pub shirt: VariantId,
    /// A second variant of which there is plenty; one lies in bob's cart.
    pub sock: VariantId,
    /// The token of a visitor whose cart holds two socks, for a little longer.
    pub visitor: [u8; 32],
    /// A quote for ada's cart, and another for the same version of it.
    pub cart_quotes: [(OrderId, String); 2],
    /// A quote of bob's for the free shirt.
    pub buy_quote: (OrderId, String),
    /// Orders of ada's, one shirt each.
    /// Overdue; the money is at the provider, and its notice is in the inbox.
    pub overdue: OrderId,
    pub overdue_attempt: AttemptId,
    /// In time; not paid.
    pub waiting: OrderId,
    /// In time, a sock; its money is reserved at the provider, and nobody has told of it.
    pub reserved: OrderId,
    /// Expired; the money came to the provider after all.
    pub expired: OrderId,
    /// Paid.
    pub paid: OrderId,
    /// Paid and cancelled; the refund is due.
    pub cancelled: OrderId,
    /// The provider's book.
    pub book: Book,
    /// What time it is.
    pub now: Timestamp,
}

/// Times short enough to be over in one scene.
pub fn settings() -> Settings {
    Settings {
        hold: SignedDuration::from_mins(5),
        quote: SignedDuration::from_mins(15),
        payment: SignedDuration::from_mins(10),
        rates: sim::rates(0),
        methods: [GATEWAY, RESERVING, flows::CASH_ON_DELIVERY].map(str::to_owned).to_vec(),
        ..Settings::default()
    }
}

/// A process on `db`.
pub fn process(shop: Shop, provider: &Provider) -> Process {
    let gateway: Arc<dyn Gateway> = Arc::new(provider.clone());
    let reserving: Arc<dyn Gateway> = Arc::new(provider.reserving());
    let url: Url = "https://shop.example/".parse().unwrap();
    let cashier = Cashier::new(shop.clone(), [gateway, reserving], url);
    let jobs = Jobs::new(shop.clone(), cashier.clone(), vec![Arc::new(Journal)]);
    Process { shop, cashier, jobs }
}

impl Scene {
    /// Plays what has happened so far.
    pub async fn prepare(db: &Db) -> Self {
        let town = Town::with_settings(db, 7, settings()).await;
        let provider = Provider::new(Way::Injector(Arc::default()), Book::default());
        let process = process(town.shop.clone(), &provider);
        let (ada, bob) = (town.customer().await, town.customer().await);
        let cyd = town.customer().await;
        let (shirt, sock) = (town.goods(5).await, town.goods(100).await);
        let start = async |order| {
            let (payer, key) = (Payer::default(), town.key(ada, "pay"));
            process.cashier.start(ada, order, GATEWAY, payer, key).await.unwrap();
        };
        let buy = async || town.buy(ada, shirt, 1, GATEWAY).await.unwrap().id;
        let wait = |minutes| town.wait(SignedDuration::from_mins(minutes));

        let (paid, cancelled, expired) = (buy().await, buy().await, buy().await);
        for order in [paid, cancelled] {
            start(order).await;
            provider.everybody_pays();
            process.cashier.look(order).await.unwrap();
        }
        town.cancel(ada, cancelled).await.unwrap();
        start(expired).await;
        let id = payments_of(&town, expired).await;
        not_for_an_hour(&town, id).await;
        wait(11);
        process.shop.sweep().await.unwrap();
        wait(1);
        let overdue = buy().await;
        start(overdue).await;
        provider.everybody_pays();
        let overdue_attempt = payments_of(&town, overdue).await;
        receive(&process, overdue_attempt).await;
        wait(5);
        for (who, what) in [(ada, shirt), (bob, sock)] {
            town.add(who, what, 1).await.unwrap();
        }
        wait(4);
        let visitor = [7; 32];
        let owner = Owner::Visitor(visitor.to_vec());
        town.shop.set_line(owner, sock, Change::Set(2)).await.unwrap();
        let waiting = buy().await;
        let reserved = town.buy(ada, sock, 1, RESERVING).await.unwrap().id;
        let key = town.key(ada, "pay");
        process.cashier.start(ada, reserved, RESERVING, Payer::default(), key).await.unwrap();
        provider.everybody_pays();
        not_for_an_hour(&town, payments_of(&town, reserved).await).await;
        wait(2);
        let of = |made: QuoteView| (made.quote.id, made.token);
        let cart = async || of(town.quote_cart(ada).await.unwrap());
        let cart_quotes = [cart().await, cart().await];
        let buy_quote = of(town.quote_one(bob, shirt, 1).await.unwrap());
        let stock = town.stock(shirt).await;
        assert_eq!((stock.on_hand, stock.held, stock.sold), (4, 3, 1), "one shirt is free");
        Self {
            ada,
            bob,
            cyd,
            staff: town.staff,
            shirt,
            sock,
            visitor,
            cart_quotes,
            buy_quote,
            overdue,
            overdue_attempt,
            waiting,
            reserved,
            expired,
            paid,
            cancelled,
            book: provider.book().clone(),
            now: town.shop.env.now(),
        }
    }

    /// An env in which it is the scene's time.
    pub fn env(&self, seed: u64) -> (Env, Arc<ManualClock>) {
        Env::manual(self.now, seed)
    }

    async fn told_by(&self, db: &Db) -> String {
        let mut orders = vec![self.overdue, self.waiting, self.reserved];
        orders.extend([self.expired, self.paid, self.cancelled]);
        orders.extend(self.cart_quotes.iter().map(|(id, _)| *id));
        orders.push(self.buy_quote.0);
        let Self { ada, bob, cyd, shirt, sock, .. } = *self;
        let read = db.read(move |read| {
            let mut text = String::new();
            for variant in [shirt, sock] {
                for stock in inventory::levels(read, [variant])?.answer(read)? {
                    let (on_hand, held, sold) = (stock.on_hand, stock.held, stock.sold);
                    writeln!(text, "stock {on_hand} held {held} sold {sold}").unwrap();
                }
            }
            for who in [ada, bob, cyd] {
                let Some(cart) = carts::find(read, who)? else { continue };
                for line in carts::lines(read, cart.id)?.answer(read)? {
                    let (quantity, selected) = (line.quantity, line.selected);
                    writeln!(text, "cart {quantity} selected {selected}").unwrap();
                }
                for hold in inventory::holds_of(read, cart.id.0)?.answer(read)? {
                    let (quantity, until) = (hold.quantity, hold.expires_at);
                    writeln!(text, "hold {quantity} until {until}").unwrap();
                }
            }
            for id in orders {
                let Some(order) = orders::find(read, id)? else { continue };
                let (state, method) = (order.state, order.payment_method);
                write!(text, "order {state} {} {method}", order.totals.total).unwrap();
                for attempt in payments::of_order(read, id)? {
                    let (state, settled) = (attempt.state, order.settled_by == Some(attempt.id));
                    write!(text, " attempt {state:?} settled {settled}").unwrap();
                    write!(text, " review {} orphan {}", attempt.review.is_some(), attempt.orphan)
                        .unwrap();
                }
                for refund in payments::refunds_of_order(read, id)? {
                    let (amount, state) = (refund.amount, refund.state);
                    write!(text, " refund {amount} {state:?}").unwrap();
                    assert_ne!(state, RefundState::Failed);
                }
                text.push('\n');
            }
            Ok::<_, Fault>(text)
        });
        read.await.unwrap()
    }
}

/// A notice comes in for an attempt.
pub async fn receive(process: &Process, attempt: AttemptId) -> u16 {
    let body = attempt.to_string();
    let raw = RawNotification::post(&[], body.as_bytes());
    process.cashier.receive(GATEWAY, &raw).await.unwrap().status
}

/// Nobody asks the provider about it for a while.
async fn not_for_an_hour(town: &Town, id: AttemptId) {
    let later = town.shop.env.now() + SignedDuration::from_hours(1);
    let later = move |tx: &mut Tx<'_>| payments::mark_polled(tx, id, Some(later));
    town.shop.db.write(later).await.unwrap();
}

async fn payments_of(town: &Town, order: OrderId) -> AttemptId {
    let attempts = town.shop.db.read(move |read| payments::of_order(read, order)).await;
    attempts.unwrap()[0].id
}

/// Where a scene is played, as often as one likes.
pub struct Stage {
    pub scene: Scene,
    database: Database,
}

enum Database {
    /// What the scene begins with, and where it is played now.
    Memory(Memory, Memory),
    /// A server's, or a file.
    Kept(Box<TestDb>),
}

impl Stage {
    /// Prepares the scene; SQLite's is in memory.
    pub async fn new(engine: EngineKind) -> Self {
        if engine == EngineKind::Postgres {
            let database = TestDb::new(engine, flows::SCHEMAS);
            database.beside().await.unwrap().see_deadlocks_at_once().await.unwrap();
            return Self::keep(database).await;
        }
        let memory = Memory::new(flows::SCHEMAS).unwrap();
        let scene = Scene::prepare(&memory.open(Arc::new(()), None)).await;
        Self { scene, database: Database::Memory(memory.copy().unwrap(), memory) }
    }

    /// Prepares the scene in a file.
    pub async fn in_a_file() -> Self {
        Self::keep(TestDb::new(EngineKind::Sqlite, flows::SCHEMAS)).await
    }

    async fn keep(database: TestDb) -> Self {
        let scene = Scene::prepare(&database.db).await;
        database.db.close();
        database.keep().await.unwrap();
        Self { scene, database: Database::Kept(Box::new(database)) }
    }

    /// Everything is as it was when the scene began. Handles to a database in memory are handles
    /// to the last one; others stay good.
    pub async fn set(&mut self) {
        match &mut self.database {
            Database::Memory(begin, now) => *now = begin.copy().unwrap(),
            Database::Kept(database) => database.restore().await.unwrap(),
        }
    }

    /// Opens the database, as a process does that starts.
    pub fn open(&self, injector: &Arc<Injector>) -> Db {
        match &self.database {
            Database::Memory(_, now) => now.open(Arc::new(()), Some(injector.clone())),
            Database::Kept(database) => database.open_again(injector),
        }
    }

    /// The database in memory.
    pub fn memory(&self) -> Option<&Memory> {
        match &self.database {
            Database::Memory(_, now) => Some(now),
            Database::Kept(_) => None,
        }
    }

    /// The database on a server.
    pub fn server(&self) -> Option<&TestDb> {
        match &self.database {
            Database::Memory(..) => None,
            Database::Kept(database) => Some(database),
        }
    }

    async fn dump(&self) -> Vec<String> {
        match &self.database {
            Database::Memory(_, now) => now.dump().unwrap(),
            Database::Kept(database) => database.dump().await.unwrap(),
        }
    }

    /// Everything that must be the same when everything went the same way: what is in stock,
    /// promised, ordered, paid and given back, but not the ids of it.
    pub async fn picture(&self, db: &Db, provider: &Provider) -> String {
        let mut text = self.scene.told_by(db).await;
        let kept: Vec<i64> = provider.kept().into_values().collect();
        writeln!(text, "the provider keeps {kept:?}").unwrap();
        let mut rows = BTreeMap::new();
        for line in self.dump().await {
            let table = line.split(' ').next().unwrap_or_default().to_owned();
            *rows.entry(table).or_insert(0) += 1;
        }
        for (table, rows) in rows {
            writeln!(text, "{rows} rows of {table}").unwrap();
        }
        text
    }
}

/// What must hold holds.
pub async fn sound(process: &Process) -> Result<(), String> {
    let (db, now) = (&process.shop.db, process.shop.env.now());
    let report = reports::verify(db, now, SignedDuration::from_secs(1)).await.unwrap();
    if report.violations == 0 { Ok(()) } else { Err(report.to_string()) }
}

/// Time goes on, a little, and the jobs do their work. What can be settled is.
pub async fn settle(process: &Process, wait: &(dyn Fn(SignedDuration) + Sync), scene: &Scene) {
    process.cashier.look(scene.expired).await.unwrap();
    process.cashier.look(scene.reserved).await.unwrap();
    for _ in 0..2 {
        wait(SignedDuration::from_mins(1));
        process.jobs.run_due().await.unwrap();
    }
}
