//! Random traces of a small shop beside its model: after every act both have answered the same,
//! refusals with their facts included, and everything that can be seen is the same. In the end
//! nothing that must hold is broken.
//!
//! `PROPTEST_CASES` says how many traces (256, five times as many in memory) and `PROPTEST_RNG_SEED` which (1). They run on
//! SQLite in memory; a file takes a sixteenth of them and PostgreSQL an eighth.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use flows::Settings;
use kernel::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use sim::model::{Act, Answer, Fit, GiveBack, Model, Says, State, Who};
use sim::real::Real;
use store::testing::{Memory, TestDb};
use store::{Db, EngineKind};
use tokio::runtime::{Builder, Runtime};

const BUYERS: usize = 2;
/// Units and the price of one: some of the one, a few of the other, the last of the third.
const GOODS: [(i64, i64); 3] = [(6, 1000), (3, 250), (1, 99_900)];

/// Times short enough that their ends meet.
fn settings() -> Settings {
    Settings {
        hold: SignedDuration::from_secs(900),
        hold_extensions_max: 2,
        quote: SignedDuration::from_secs(1200),
        payment: SignedDuration::from_secs(1800),
        ..Settings::default()
    }
}

/// The model, and what it answered last.
#[derive(Clone, Debug)]
struct Told {
    model: Model,
    answer: Option<Answer>,
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![3 => (0..BUYERS).prop_map(Who::Buyer), 1 => Just(Who::Staff)]
}

/// What happens in the cart.
fn in_the_cart() -> impl Strategy<Value = Act> {
    let (buyer, variant) = (0..BUYERS, 0..GOODS.len());
    prop_oneof![
        6 => (buyer.clone(), variant.clone(), -2..4_i64)
            .prop_map(|(buyer, variant, more)| Act::Put { buyer, variant, more }),
        4 => (buyer.clone(), variant.clone(), 0..6_i64)
            .prop_map(|(buyer, variant, quantity)| Act::Set { buyer, variant, quantity }),
        1 => (buyer.clone(), variant.clone(), prop_oneof![Just(-1), Just(10_001)])
            .prop_map(|(buyer, variant, quantity)| Act::Set { buyer, variant, quantity }),
        2 => (buyer.clone(), proptest::option::of(variant), any::<bool>())
            .prop_map(|(buyer, variant, selected)| Act::Select { buyer, variant, selected }),
        1 => buyer.clone().prop_map(|buyer| Act::Clear { buyer }),
        2 => buyer.prop_map(|buyer| Act::Extend { buyer }),
    ]
}

/// What the shop and the clock do.
fn around() -> impl Strategy<Value = Act> {
    let variant = 0..GOODS.len();
    let price = proptest::option::weighted(0.9, prop_oneof![Just(1000_i64), 1..5000_i64]);
    let seconds = prop_oneof![
        2 => Just(30_i64), 2 => Just(460), 2 => Just(900), 1 => Just(1200), 3 => Just(1800)
    ];
    prop_oneof![
        3 => (variant.clone(), prop_oneof![-4..0_i64, 1..4_i64], 0..200_u8)
            .prop_map(|(variant, delta, key)| Act::Adjust { variant, delta, key }),
        1 => (variant, price).prop_map(|(variant, price)| Act::Price { variant, price }),
        3 => seconds.prop_map(|seconds| Act::Wait { seconds }),
        4 => Just(Act::Sweep),
    ]
}

/// Mostly the one it is about, now and then somebody else.
fn mostly(buyer: usize) -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(buyer), 1 => 0..BUYERS]
}

fn quoted(buyers: Vec<usize>) -> impl Strategy<Value = Act> {
    let quotes = buyers.len();
    // The newest is placed most often; any older one may be placed again, or late.
    let quote = prop_oneof![3 => Just(quotes - 1), 1 => 0..quotes];
    quote.prop_flat_map(move |quote| {
        (mostly(buyers[quote]), prop_oneof![1 => Just(true), 3 => Just(false)])
            .prop_map(move |(buyer, cash)| Act::Place { buyer, quote, cash })
    })
}

fn on_orders(orders: Vec<(usize, usize)>) -> impl Strategy<Value = Act> {
    let pay = proptest::sample::select(orders.clone()).prop_flat_map(|(order, buyer)| {
        (mostly(buyer), 0..2_usize, 0..200_u8).prop_map(move |(buyer, gateway, key)| Act::Pay {
            buyer,
            order,
            gateway,
            key,
        })
    });
    let order = proptest::sample::select(orders).prop_map(|(order, _)| order);
    let step = prop_oneof![
        3 => Just(State::Packed), 2 => Just(State::Shipped), 1 => Just(State::Delivered),
        1 => Just(State::Paid),
    ];
    let give_back = prop_oneof![
        3 => (0..GOODS.len(), 1..3_i64, any::<bool>())
            .prop_map(|(variant, units, restock)| GiveBack::Lines { variant, units, restock }),
        2 => prop_oneof![Just(0_i64), 1..1500_i64, Just(1_000_000)].prop_map(GiveBack::Amount),
        2 => any::<bool>().prop_map(|restock| GiveBack::Rest { restock }),
    ];
    prop_oneof![
        7 => pay,
        4 => (order.clone(), give_back, 0..200_u8)
            .prop_map(|(order, of, key)| Act::GiveBack { order, of, key }),
        1 => (order.clone(), any::<bool>(), 0..200_u8)
            .prop_map(|(order, received, key)| Act::Cash { order, received, key }),
        2 => (who(), order.clone(), 0..200_u8)
            .prop_map(|(who, order, key)| Act::Cancel { who, order, key }),
        2 => (order.clone(), step, 0..200_u8)
            .prop_map(|(order, to, key)| Act::Advance { order, to, key }),
        2 => (order, any::<bool>())
            .prop_map(|(order, succeeded)| Act::RefundsEnd { order, succeeded }),
    ]
}

fn told(attempts: usize) -> impl Strategy<Value = Act> {
    let says = prop_oneof![
        3 => Just(Says::Waiting), 1 => Just(Says::Absent), 5 => Just(Says::Captured),
        1 => Just(Says::Declined), 3 => Just(Says::Authorized), 1 => Just(Says::Processing),
        1 => prop_oneof![1..3000_i64, 1..300_000_i64]
            .prop_map(|minor| Says::GivenBack { minor }),
    ];
    let fit = prop_oneof![
        9 => Just(Fit::Exactly), 1 => Just(Fit::OtherAmount), 1 => Just(Fit::OtherCurrency),
        2 => Just(Fit::OtherReference), 1 => Just(Fit::OtherOrder),
    ];
    (0..attempts, says, fit).prop_map(|(attempt, says, fit)| Act::News { attempt, says, fit })
}

impl ReferenceStateMachine for Told {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { model: Model::open(settings(), &GOODS), answer: None }).boxed()
    }

    fn transitions(told_so_far: &Self) -> BoxedStrategy<Act> {
        let model = &told_so_far.model;
        let picture = model.picture(0);
        let mut all = vec![
            (8, in_the_cart().boxed()),
            (4, around().boxed()),
            (4, (0..BUYERS).prop_map(|buyer| Act::Quote { buyer }).boxed()),
            (
                2,
                (0..BUYERS, 0..GOODS.len(), 0..4_i64)
                    .prop_map(|(buyer, variant, quantity)| Act::QuoteOne {
                        buyer,
                        variant,
                        quantity,
                    })
                    .boxed(),
            ),
        ];
        let quotes = model.quotes();
        if !quotes.is_empty() {
            all.push((6, quoted(quotes.clone()).boxed()));
        }
        let mut orders: Vec<_> = picture.orders.iter().map(|o| (o.number, o.buyer)).collect();
        if !orders.is_empty() {
            orders.push((quotes.len(), 0));
            all.push((8, on_orders(orders).boxed()));
        }
        if !picture.attempts.is_empty() {
            all.push((14, told(picture.attempts.len()).boxed()));
        }
        let before = model.done_with_a_key();
        if !before.is_empty() {
            all.push((2, proptest::sample::select(before).boxed()));
        }
        proptest::strategy::Union::new_weighted(all).boxed()
    }

    fn apply(mut told: Self, act: &Act) -> Self {
        told.answer = Some(told.model.act(act));
        told
    }

    fn preconditions(told: &Self, act: &Act) -> bool {
        match act {
            Act::Place { quote, .. } => *quote < told.model.quotes().len(),
            Act::News { attempt, .. } => *attempt < told.model.picture(0).attempts.len(),
            _ => true,
        }
    }
}

/// Something that a shop with a bug does instead of what it is asked to; none does nothing.
type Twist = fn(&Act) -> Option<Act>;

/// Bugs as they look from outside. The first is no bug.
const TWISTS: [(&str, Twist); 9] = [
    ("none", |act| Some(act.clone())),
    ("a cancelled order keeps its units", |act| {
        Some(act.clone()).filter(|act| !matches!(act, Act::Cancel { .. }))
    }),
    ("the amount is not looked at", |act| match *act {
        Act::News { attempt, says, fit: Fit::OtherAmount } => {
            Some(Act::News { attempt, says, fit: Fit::Exactly })
        }
        _ => Some(act.clone()),
    }),
    ("the currency is not looked at", |act| match *act {
        Act::News { attempt, says, fit: Fit::OtherCurrency } => {
            Some(Act::News { attempt, says, fit: Fit::Exactly })
        }
        _ => Some(act.clone()),
    }),
    ("holds never end", |act| Some(act.clone()).filter(|act| *act != Act::Sweep)),
    ("a key is taken for another", |act| match *act {
        Act::Adjust { variant, delta, key } => Some(Act::Adjust { variant, delta, key: key % 2 }),
        _ => Some(act.clone()),
    }),
    ("cash is not sold at once", |act| match *act {
        Act::Place { buyer, quote, .. } => Some(Act::Place { buyer, quote, cash: false }),
        _ => Some(act.clone()),
    }),
    ("a price is one too high", |act| match *act {
        Act::Price { variant, price: Some(price) } => {
            Some(Act::Price { variant, price: Some(price + 1) })
        }
        _ => Some(act.clone()),
    }),
    ("a declined payment is believed paid", |act| match *act {
        Act::News { attempt, says: Says::Declined, fit } => {
            Some(Act::News { attempt, says: Says::Captured, fit })
        }
        _ => Some(act.clone()),
    }),
];

/// Where the shop keeps its books.
const MEMORY: usize = 0;
const FILE: usize = 1;
const POSTGRES: usize = 2;

/// The shop beside the model, with a twist or none.
struct Beside<const ENGINE: usize, const TWIST: usize>;

struct Shop {
    runtime: Runtime,
    real: Real,
    _database: Option<TestDb>,
}

fn open(engine: usize) -> (Db, Option<TestDb>) {
    static EMPTY: OnceLock<Memory> = OnceLock::new();
    let kind = match engine {
        FILE => EngineKind::Sqlite,
        POSTGRES => EngineKind::Postgres,
        _ => {
            let empty = EMPTY.get_or_init(|| Memory::new(flows::SCHEMAS).unwrap());
            return (empty.copy().unwrap().open(Arc::new(()), None), None);
        }
    };
    let database = TestDb::new(kind, flows::SCHEMAS);
    (database.db.clone(), Some(database))
}

/// How often each answer was given, by the words it begins with.
static HEARD: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Every refusal and every effect of news: a trace that never comes to one says nothing of it.
const ANSWERS: [&str; 29] = [
    "Err(CartAlreadyOrdered",
    "Err(CartChanged",
    "Err(HoldUsedUp",
    "Err(KeyReused",
    "Err(NotFound",
    "Err(NothingSelected",
    "Err(NothingToPay",
    "Err(NothingToRefund",
    "Err(OrderState",
    "Err(OutOfStock",
    "Err(PaymentUnderWay",
    "Err(QuantityInvalid",
    "Err(QuoteChanged",
    "Err(QuoteExpired",
    "Err(RefundTooMuch",
    "Ok(News(Capturing",
    "Ok(News(Closing",
    "Ok(News(GivenBack",
    "Ok(News(Nothing",
    "Ok(News(Over",
    "Ok(News(Processing",
    "Ok(News(Review",
    "Ok(News(SentBack",
    "Ok(News(Settled",
    "Ok(News(SettledLate",
    "Ok(News(Voiding",
    "Ok(News(Waiting",
    "Ok(Placed",
    "Ok(Paying",
];

fn hear(answer: &Answer) {
    let words = format!("{answer:?}");
    let end = words.find([' ', ')']).unwrap_or(words.len());
    let short = match &words[..end] {
        kind if kind.starts_with("Ok(News") => kind,
        kind => &kind[..kind[4..].find('(').map_or(kind.len(), |at| at + 4)],
    };
    *HEARD.lock().unwrap().entry(short.to_owned()).or_insert(0) += 1;
}

impl<const ENGINE: usize, const TWIST: usize> StateMachineTest for Beside<ENGINE, TWIST> {
    type SystemUnderTest = Shop;
    type Reference = Told;

    fn init_test(_: &Told) -> Shop {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (db, database) = open(ENGINE);
        let real = runtime.block_on(Real::open(&db, 91, settings(), BUYERS, &GOODS));
        Shop { runtime, real, _database: database }
    }

    fn apply(shop: Shop, told: &Told, act: Act) -> Shop {
        let expected = told.answer.as_ref().unwrap();
        if TWIST == 0 {
            hear(expected);
        }
        shop.runtime.block_on(async {
            if let Some(act) = TWISTS[TWIST].1(&act) {
                let answer = shop.real.act(&act).await.unwrap();
                assert_eq!(answer, *expected, "what the shop and the model answer to {act:?}");
            }
            let seen = shop.real.picture().await.unwrap();
            assert_eq!(seen, told.model.picture(BUYERS), "what is there after {act:?}");
        });
        shop
    }

    fn teardown(shop: Shop, told: Told) {
        shop.runtime.block_on(async {
            let town = &shop.real.town;
            town.sweep().await.unwrap();
            town.drain().await.unwrap();
            let grace = SignedDuration::from_secs(1);
            let report = reports::verify(&town.shop.db, town.shop.env.now(), grace).await.unwrap();
            // A refund that the gateway refused for good is money that a person has to see to.
            let picture = told.model.picture(0);
            let failed = picture.attempts.iter().enumerate().filter(|(index, attempt)| {
                let order = picture.orders.iter().find(|order| order.number == attempt.order);
                let kept = order.is_some_and(|order| {
                    order.settled_by == Some(*index) && order.state != State::Cancelled
                });
                let back = attempt.refunds.iter().filter(|(.., state)| *state != "failed");
                !kept && attempt.captured > back.map(|(minor, ..)| minor).sum()
            });
            let failed = failed.count();
            for finding in &report.invariants {
                let money = finding.name.starts_with("I13");
                let expected = if money { i64::try_from(failed).unwrap() } else { 0 };
                assert_eq!(finding.violations, expected, "{report}");
            }
        });
    }
}

/// Runs traces; the error is the first on which the two differ.
fn run<const ENGINE: usize, const TWIST: usize>(config: &Config) -> Result<(), String> {
    let traces = Told::sequential_strategy(1..80);
    let run = |(told, acts, seen): (_, _, Option<_>)| {
        // Which acts were done is asked for when a trace is made shorter, and only then.
        let seen = seen.filter(|_| config.max_shrink_iters > 0);
        Beside::<ENGINE, TWIST>::test_sequential(config.clone(), told, acts, seen);
        Ok(())
    };
    match TestRunner::new(config.clone()).run(&traces, run) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, (_, acts, _))) => Err(format!("{why}\n{acts:#?}")),
        Err(TestError::Abort(why)) => Err(why.to_string()),
    }
}

fn config(cases: u32) -> Config {
    let usual = Config::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 2000, ..usual }
}

/// How many traces it takes until the shop and the model differ.
#[cfg(feature = "planted")]
pub fn first_difference(cases: u32) -> Option<u32> {
    let (traces, tried) = (Told::sequential_strategy(1..80), std::cell::Cell::new(0));
    let config = Config { max_shrink_iters: 0, ..config(cases) };
    let run = TestRunner::new(config.clone()).run(&traces, |(told, acts, _)| {
        tried.set(tried.get() + 1);
        Beside::<MEMORY, 0>::test_sequential(config.clone(), told, acts, None);
        Ok(())
    });
    run.is_err().then(|| tried.get())
}

/// So many times more in memory, where they cost little: the rarest answers, like money that comes
/// late to an order whose units are still there, take a thousand.
const IN_MEMORY: u32 = 5;

fn compare<const ENGINE: usize>(name: &str, share: u32) {
    let cases = (Config::default().cases * IN_MEMORY).div_ceil(share);
    run::<ENGINE, 0>(&config(cases)).unwrap_or_else(|why| panic!("{why}"));
    println!("{cases} traces on {name}");
}

#[cfg_attr(not(feature = "planted"), test)]
fn the_shop_does_what_its_model_does() {
    compare::<MEMORY>("SQLite in memory", 1);
    let heard = HEARD.lock().unwrap().clone();
    println!("{heard:?}");
    let never: Vec<_> = ANSWERS.iter().filter(|kind| !heard.contains_key(**kind)).collect();
    assert!(never.is_empty(), "never heard: {never:?}");
}

#[cfg_attr(not(feature = "planted"), test)]
fn the_shop_does_what_its_model_does_on_a_file() {
    compare::<FILE>("SQLite in a file", 80);
}

#[cfg_attr(not(feature = "planted"), test)]
fn the_shop_does_what_its_model_does_on_postgres() {
    compare::<POSTGRES>("PostgreSQL", 40);
}

#[cfg_attr(not(feature = "planted"), test)]
fn a_shop_with_a_bug_is_told_from_its_model() {
    fn found<const TWIST: usize>() {
        let config = Config { max_shrink_iters: 0, ..config(400) };
        let name = TWISTS[TWIST].0;
        assert!(run::<MEMORY, TWIST>(&config).is_err(), "not found: {name}");
        println!("found: {name}");
    }
    found::<1>();
    found::<2>();
    found::<3>();
    found::<4>();
    found::<5>();
    found::<6>();
    found::<7>();
    found::<8>();
}
