use std::collections::BTreeSet;

use catalog::ListQuery;
use flows::{SCHEMAS, Settings};
use kernel::{Timestamp, limits};
use store::testing::TestDb;
use tempfile::TempDir;

use super::*;

async fn open(db: &TestDb) -> Shop {
    let start: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
    let (env, _) = Env::manual(start, 7);
    Shop::open(db.db.clone(), env, Settings::default()).await.unwrap()
}

async fn products(shop: &Shop) -> Vec<catalog::ListItem> {
    let all = ListQuery { limit: limits::PAGE_SIZE_MAX, ..ListQuery::default() };
    shop.db.read(move |read| catalog::list(read, &all)).await.unwrap().items
}

store::on_both_engines! { SCHEMAS;
    async fn a_shop_is_filled_once(db: TestDb) {
        let shop = open(&db).await;
        let media = TempDir::new().unwrap();
        fill(&shop, media.path()).await.unwrap();
        let first = products(&shop).await;
        assert_eq!(first.len(), GOODS.len());
        assert_eq!(first[0].slug, GOODS.last().unwrap().slug, "what came in last is the newest");
        for item in &first {
            let cover = item.cover.as_ref().unwrap();
            let name = cover.path.strip_prefix("/media/").unwrap();
            let svg = std::fs::read_to_string(media.path().join(name)).unwrap();
            assert!(svg.starts_with("<svg ") && !svg.contains("<script"), "{name}");
            assert!(!cover.alt.is_empty(), "{name}");
        }
        let ids: Vec<_> = first.iter().map(|item| item.id).collect();
        let levels = shop
            .db
            .read(move |read| inventory::levels_of_products(read, ids))
            .await
            .unwrap();
        let available: BTreeSet<i64> = levels.iter().map(inventory::Stock::available).collect();
        assert!(available.contains(&0) && available.contains(&2), "sold out, and nearly");
        assert!(levels.iter().any(|stock| stock.sold > 0), "something is popular");
        fill(&shop, media.path()).await.unwrap();
        assert_eq!(products(&shop).await, first, "a second time changes nothing");
    }
}

#[test]
fn goods_are_told_apart() {
    let slugs: BTreeSet<_> = GOODS.iter().map(|good| good.slug).collect();
    assert_eq!(slugs.len(), GOODS.len());
    let items = || GOODS.iter().flat_map(|good| good.items);
    let articles: BTreeSet<_> = items().map(|item| item.sku).collect();
    assert_eq!(articles.len(), items().count());
    let drawn: BTreeSet<_> =
        GOODS.iter().flat_map(|good| good.pictures).map(|(_, draw)| draw()).collect();
    let wanted = GOODS.iter().map(|good| good.pictures.len()).sum::<usize>();
    assert_eq!(drawn.len(), wanted, "no two pictures are the same");
    let known: BTreeSet<_> = CATEGORIES.iter().map(|category| category.slug).collect();
    assert!(GOODS.iter().all(|good| known.contains(good.category)));
}
