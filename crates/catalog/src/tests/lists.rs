//! Lists: what is on them, in which order, page by page, and by which index.

use kernel::{Env, ProductId, Uuid, limits};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::sea_query::SqliteQueryBuilder;
use store::testing::TestDb;
use store::{Db, EngineKind, Statement};

use super::{code, env, eur, grow, make, simple};
use crate::cursor::{Key, Place};
use crate::list::walk;
use crate::shelf::WHOLE_SHOP;
use crate::{ListItem, ListQuery, NewProduct, Sort, list, set_price};

/// Every item of a list, page by page.
async fn walk_through(db: &Db, query: &ListQuery) -> Vec<ListItem> {
    let mut all: Vec<ListItem> = Vec::new();
    let mut query = query.clone();
    loop {
        let asked = query.clone();
        let page = db.read(move |read| list(read, &asked)).await.unwrap();
        assert!(page.items.len() <= query.limit as usize);
        all.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

fn slugs(items: &[ListItem]) -> Vec<&str> {
    items.iter().map(|it| it.slug.as_str()).collect()
}

async fn fill(db: &Db, env: &Env, products: &[(&str, &str, i64)]) {
    for (slug, title, minor) in products {
        make(db, env, simple(slug, title, *minor)).await.unwrap();
    }
}

/// The order a list promises, worked out from its items alone.
fn sorted(mut items: Vec<ListItem>, sort: Sort) -> Vec<ListItem> {
    match sort {
        Sort::Newest => items.sort_by_key(|it| std::cmp::Reverse(it.id)),
        Sort::PriceUp => items.sort_by_key(|it| (it.price.minor, it.id)),
        Sort::PriceDown => items.sort_by_key(|it| std::cmp::Reverse((it.price.minor, it.id))),
        Sort::Title => items.sort_by_key(|it| (it.title.to_lowercase(), it.id)),
    }
    items
}

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn each_order_shows_everything_once(t: TestDb) {
        let env = env();
        let products = [
            ("mug", "Mug", 1200), ("bowl", "Bowl", 1900), ("plate", "plate", 1200),
            ("cup", "cup", 700), ("mug-2", "Mug", 1200), ("vase", "Vase", 0),
            ("jar", "jar", 1900), ("tray", "Tray", 4500), ("lid", "Lid", 700),
        ];
        fill(&t.db, &env, &products).await;
        for sort in Sort::ALL {
            for limit in [1, 2, 3, 4, 9, 10] {
                let query = ListQuery { sort, limit, ..ListQuery::default() };
                let items = walk_through(&t.db, &query).await;
                assert_eq!(items.len(), products.len(), "{sort:?} by {limit}");
                assert_eq!(items, sorted(items.clone(), sort), "{sort:?} by {limit}");
            }
        }
        let titles = ListQuery { sort: Sort::Title, ..ListQuery::default() };
        let items = walk_through(&t.db, &titles).await;
        let first: Vec<_> = items.iter().take(4).map(|it| it.title.as_str()).collect();
        assert_eq!(first, ["Bowl", "cup", "jar", "Lid"], "capitals do not come first");
    }

    async fn prices_bound_a_list(t: TestDb) {
        let env = env();
        fill(&t.db, &env, &[("a", "A", 100), ("b", "B", 200), ("c", "C", 300), ("d", "D", 400)])
            .await;
        for sort in Sort::ALL {
            for (price_min, price_max, expected) in [
                (Some(200), None, vec!["b", "c", "d"]),
                (None, Some(300), vec!["a", "b", "c"]),
                (Some(200), Some(300), vec!["b", "c"]),
                (Some(301), Some(300), vec![]),
                (Some(i64::MIN), Some(i64::MAX), vec!["a", "b", "c", "d"]),
            ] {
                let query =
                    ListQuery { price_min, price_max, sort, limit: 1, ..ListQuery::default() };
                let items = walk_through(&t.db, &query).await;
                let mut found = slugs(&items);
                found.sort_unstable();
                assert_eq!(found, expected, "{sort:?}");
                assert_eq!(items, sorted(items.clone(), sort));
            }
        }
    }

    async fn a_category_has_all_below_it(t: TestDb) {
        let env = env();
        let home = grow(&t.db, &env, "home", None).await.unwrap();
        let kitchen = grow(&t.db, &env, "kitchen", Some(&home)).await.unwrap();
        grow(&t.db, &env, "mugs", Some(&kitchen)).await.unwrap();
        grow(&t.db, &env, "garden", None).await.unwrap();
        for (slug, category) in
            [("sofa", "home"), ("pan", "kitchen"), ("mug", "mugs"), ("rake", "garden")]
        {
            let new = NewProduct { category: Some(category.into()), ..simple(slug, slug, 100) };
            make(&t.db, &env, new).await.unwrap();
        }
        make(&t.db, &env, simple("loose", "Loose", 100)).await.unwrap();
        for (category, expected) in [
            (None, vec!["loose", "mug", "pan", "rake", "sofa"]),
            (Some("home"), vec!["mug", "pan", "sofa"]),
            (Some("kitchen"), vec!["mug", "pan"]),
            (Some("mugs"), vec!["mug"]),
            (Some("garden"), vec!["rake"]),
        ] {
            let query = ListQuery {
                category: category.map(str::to_owned),
                sort: Sort::Title,
                limit: 2,
                ..ListQuery::default()
            };
            assert_eq!(slugs(&walk_through(&t.db, &query).await), expected, "{category:?}");
        }
    }

    async fn a_walk_survives_changes(t: TestDb) {
        let env = env();
        fill(&t.db, &env, &[("a", "A", 100), ("b", "B", 200), ("c", "C", 300)]).await;
        let query = ListQuery { sort: Sort::PriceUp, limit: 2, ..ListQuery::default() };
        let asked = query.clone();
        let first = t.db.read(move |read| list(read, &asked)).await.unwrap();
        assert_eq!(slugs(&first.items), ["a", "b"]);
        // The last one seen gets dearer, and cheaper ones arrive.
        let b = make_id(&t.db, "b").await;
        t.db.write(move |tx| set_price(tx, b, eur(900))).await.unwrap();
        fill(&t.db, &env, &[("d", "D", 50), ("e", "E", 250)]).await;
        let rest = ListQuery { after: first.next, limit: 10, ..query };
        let rest = t.db.read(move |read| list(read, &rest)).await.unwrap();
        assert_eq!(slugs(&rest.items), ["e", "c", "b"]);
    }

    async fn queries_are_refused(t: TestDb) {
        let env = env();
        fill(&t.db, &env, &[("a", "A", 100), ("b", "B", 200)]).await;
        let one = ListQuery { limit: 1, ..ListQuery::default() };
        let cursor = t.db.read(move |read| list(read, &one)).await.unwrap().next;
        let base = ListQuery::default;
        let cases = [
            (ListQuery { limit: 0, ..base() }, "limit-invalid"),
            (ListQuery { limit: limits::PAGE_SIZE_MAX + 1, ..base() }, "limit-invalid"),
            (ListQuery { category: Some("none".into()), ..base() }, "category-unknown"),
            (ListQuery { category: Some("n\0ne".into()), ..base() }, "category-unknown"),
            (ListQuery { after: Some("nonsense".into()), ..base() }, "cursor-invalid"),
            (ListQuery { after: Some(String::new()), ..base() }, "cursor-invalid"),
            (ListQuery { after: cursor, sort: Sort::Title, ..base() }, "cursor-invalid"),
        ];
        for (query, expected) in cases {
            let shown = format!("{query:?}");
            assert_eq!(code(t.db.read(move |read| list(read, &query)).await), expected, "{shown}");
        }
    }
}

async fn make_id(db: &Db, slug: &'static str) -> kernel::VariantId {
    let page = db.read(move |read| crate::page(read, slug)).await.unwrap();
    page.unwrap().variants[0].id
}

/// How SQLite would answer, one line for each step.
async fn plan(db: &Db, text: String) -> Vec<String> {
    let text: &'static str = Box::leak(format!("explain query plan {text}").into_boxed_str());
    let statement: &'static Statement = Box::leak(Box::new(Statement::new("PLAN", text, text)));
    let steps: Vec<(i64, i64, i64, String)> =
        db.read(move |read| read.rows(statement, &[])).await.unwrap();
    steps.into_iter().map(|step| step.3).collect()
}

#[tokio::test]
async fn no_list_sorts_what_it_finds() {
    let t = TestDb::new(EngineKind::Sqlite, &[&store::SCHEMA, &crate::SCHEMA]);
    let product = ProductId(Uuid::from_u128(7));
    for sort in Sort::ALL {
        let (key, index) = match sort {
            Sort::Newest => (Key::Newest, "USING PRIMARY KEY"),
            Sort::PriceUp | Sort::PriceDown => {
                (Key::Price(100), "USING COVERING INDEX shelves_by_price")
            }
            Sort::Title => (Key::Title("mug".into()), "USING COVERING INDEX shelves_by_title"),
        };
        let place = Place { product, key };
        for after in [None, Some(&place)] {
            for (price_min, price_max) in
                [(None, None), (Some(1), None), (None, Some(9)), (Some(1), Some(9))]
            {
                let query = ListQuery { price_min, price_max, sort, ..ListQuery::default() };
                let text = walk(WHOLE_SHOP, &query, after).to_string(SqliteQueryBuilder);
                let steps = plan(&t.db, text.clone()).await;
                let shown = format!("{text}\n{steps:#?}");
                assert_eq!(steps.len(), 2, "two look-ups and no sorting: {shown}");
                assert!(steps[0].starts_with("SEARCH s"), "{shown}");
                assert!(steps[0].contains(index), "{shown}");
                assert!(steps[1].starts_with("SEARCH p"), "{shown}");
                if after.is_some() {
                    assert!(steps[0].contains('>') || steps[0].contains('<'), "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn offers_are_one_look_up_each() {
    let t = TestDb::new(EngineKind::Sqlite, &[&store::SCHEMA, &crate::SCHEMA]);
    let text = store::Texts::sqlite(&crate::sql::OFFERS).replace("?1", "x'00'");
    let steps = plan(&t.db, text).await;
    assert_eq!(steps, ["SEARCH variants USING PRIMARY KEY (id=?)"]);
}

/// Random shops: whatever the titles and prices, each order walks through everything once.
#[test]
fn random_shops_are_walked_through() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let products = prop::collection::vec(("[a-cA-C ж]{1,3}", 0..4_i64), 1..12);
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let strategy = (products, 1..5_u32, prop::option::of(0..4_i64));
    runner
        .run(&strategy, |(products, limit, price_min)| {
            runtime.block_on(async {
                let t = TestDb::new(EngineKind::Sqlite, &[&store::SCHEMA, &crate::SCHEMA]);
                let env = env();
                let mut expected = 0;
                for (index, (title, minor)) in products.iter().enumerate() {
                    let title = format!("x{title}");
                    make(&t.db, &env, simple(&format!("p-{index}"), &title, *minor)).await.unwrap();
                    expected += usize::from(price_min.is_none_or(|min| *minor >= min));
                }
                for sort in Sort::ALL {
                    let query = ListQuery { price_min, sort, limit, ..ListQuery::default() };
                    let items = walk_through(&t.db, &query).await;
                    assert_eq!(items.len(), expected);
                    assert_eq!(items, sorted(items.clone(), sort), "{sort:?}");
                }
            });
            Ok(())
        })
        .unwrap();
}
