//! Products, variants, prices, pictures and categories.

use std::sync::Arc;

use kernel::{Coded as _, Currency, Error, Fault, Money, ProductId, Uuid, VariantId};
use store::Db;
use store::testing::prepare_all;

use super::{code, env, eur, grow, make, options, picture, refusal, shirt, simple};
use crate::{
    CATEGORY_DEPTH_MAX, CatalogRefusal, ListQuery, NewImage, NewProduct, NewVariant, Offer,
    PRICE_MINOR_MAX, ProductPage, Status, add_image, add_variant, categories, find_product, list,
    offers, page, set_active, set_price, set_status, variant_ids,
};

async fn read_page(db: &Db, slug: &str) -> Option<ProductPage> {
    let slug = slug.to_owned();
    db.read(move |read| page(read, &slug)).await.unwrap()
}

async fn read_offer(db: &Db, id: VariantId) -> Offer {
    db.read(move |read| offers(read, [id])?.answer(read)).await.unwrap().remove(0)
}

/// Slugs and lowest prices of all that is in the shop, as a list says.
async fn listed(db: &Db) -> Vec<(String, i64, i64)> {
    let page = db.read(|read| list(read, &ListQuery::default())).await.unwrap();
    page.items.into_iter().map(|it| (it.slug, it.price.minor, it.variant_count)).collect()
}

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn every_statement_is_taken(t: TestDb) {
        let prepared = prepare_all(&t.db, &[&crate::SCHEMA]).await.unwrap();
        assert_eq!(prepared, crate::SCHEMA.statements.len());
    }

    async fn a_product_is_kept_whole(t: TestDb) {
        let env = env();
        let clothes = grow(&t.db, &env, "clothes", None).await.unwrap();
        let new = NewProduct { category: Some("clothes".into()), ..shirt() };
        let made = make(&t.db, &env, new).await.unwrap();
        assert_eq!(made.product.title, "Linen shirt", "trimmed");
        assert_eq!(made.product.created_at, env.now());
        assert_eq!(made.product.price, Some(eur(4500)), "the lowest");
        assert_eq!(made.product.variant_count, 3);
        assert_eq!(made.category, Some(clothes));
        assert_eq!(made.product.cover.as_ref(), made.images.first());
        let titles: Vec<_> = made.variants.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Linen shirt, sage, M", "Linen shirt, sage, L", "Gift card"]);
        assert_eq!(made.variants[0].list_price, Some(eur(5900)));
        assert_eq!(made.variants[0].options, options(&[("colour", "sage"), ("size", "M")]));
        assert!(made.variants.iter().all(|it| it.active && it.offered));
        assert_eq!(read_page(&t.db, "linen-shirt").await, Some(made.clone()));

        let ids: Vec<_> = made.variants.iter().map(|it| it.id).collect();
        let product_id = made.product.id;
        let unknown = VariantId(Uuid::from_u128(1));
        let asked = [ids[0], unknown, ids[2], ids[0]];
        let mut found = t.db.read(move |read| offers(read, asked)?.answer(read)).await.unwrap();
        found.sort_by(|one, other| one.sku.cmp(&other.sku));
        let offer = |id, sku: &str, title: &str, minor| Offer {
            variant_id: id,
            product_id,
            sku: sku.into(),
            title: title.into(),
            price: eur(minor),
            active: true,
        };
        assert_eq!(found, [
            offer(ids[2], "LS-GIFT", "Gift card", 5100),
            offer(ids[0], "LS-SAGE-M", "Linen shirt, sage, M", 4900),
        ]);
        let mut pairs = t.db.read(move |read| variant_ids(read, [product_id])).await.unwrap();
        pairs.sort_unstable();
        let mut expected: Vec<_> = ids.into_iter().map(|id| (product_id, id)).collect();
        expected.sort_unstable();
        assert_eq!(pairs, expected);
    }

    async fn pages_take_few_statements(t: TestDb) {
        let env = env();
        grow(&t.db, &env, "clothes", None).await.unwrap();
        let made = make(&t.db, &env, NewProduct { category: Some("clothes".into()), ..shirt() })
            .await
            .unwrap();
        t.injector.fail_statement(5);
        assert!(read_page(&t.db, "linen-shirt").await.is_some());
        assert!(t.injector.calm(), "a page takes four statements at most");
        t.injector.fail_statement(3);
        let query = ListQuery { category: Some("clothes".into()), ..ListQuery::default() };
        t.db.read(move |read| list(read, &query)).await.unwrap();
        assert!(t.injector.calm(), "a list takes two statements at most");
        t.injector.fail_statement(2);
        let ids: Vec<_> = made.variants.iter().map(|it| it.id).collect();
        assert_eq!(t.db.read(move |read| offers(read, ids)?.answer(read)).await.unwrap().len(), 3);
        assert!(t.injector.calm(), "offers take one");
    }

    async fn forms_are_refused_by_field(t: TestDb) {
        let env = env();
        let usd = Money::new(100, Currency::USD);
        let first = |change: fn(&mut NewVariant)| {
            let mut new = shirt();
            change(&mut new.variants[0]);
            new
        };
        let image = |path: &str| NewProduct { images: vec![picture(path)], ..shirt() };
        let cases = [
            (NewProduct { slug: "Linen Shirt".into(), ..shirt() }, "slug"),
            (NewProduct { title: " ".into(), ..shirt() }, "title"),
            (NewProduct { description: "x".repeat(20_001), ..shirt() }, "description"),
            (NewProduct { description: "nul\0".into(), ..shirt() }, "description"),
            (NewProduct { category: Some("none".into()), ..shirt() }, "category"),
            (NewProduct { category: Some("n\0ne".into()), ..shirt() }, "category"),
            (NewProduct { variants: Vec::new(), ..shirt() }, "variants"),
            (first(|it| it.sku = "two words".into()), "variants[0].sku"),
            (first(|it| it.sku = String::new()), "variants[0].sku"),
            (first(|it| it.title = Some("\n".into())), "variants[0].title"),
            (first(|it| it.options = options(&[("size", "")])), "variants[0].options"),
            (first(|it| it.price.minor = -1), "variants[0].price"),
            (first(|it| it.price.minor = PRICE_MINOR_MAX + 1), "variants[0].price"),
            (first(|it| it.price.currency = Currency::USD), "variants[0].list_price"),
            (first(|it| it.list_price = Some(eur(4899))), "variants[0].list_price"),
            (
                NewProduct {
                    variants: vec![NewVariant::new("A", eur(1)), NewVariant::new("B", usd)],
                    ..shirt()
                },
                "variants[1].price",
            ),
            (image("media/shirt.webp"), "images[0].path"),
            (image("//elsewhere/shirt.webp"), "images[0].path"),
            (image("/media/../../etc"), "images[0].path"),
            (image("/me\"dia"), "images[0].path"),
            (
                NewProduct {
                    images: vec![NewImage { alt: "a\u{7}".into(), ..picture("/a") }],
                    ..shirt()
                },
                "images[0].alt",
            ),
            (
                NewProduct { images: vec![NewImage { width: 0, ..picture("/a") }], ..shirt() },
                "images[0].width",
            ),
        ];
        for (new, field) in cases {
            let refused = refusal(make(&t.db, &env, new).await);
            assert_eq!(refused.facts()["field"], field, "{refused}");
            assert_eq!(refused.code(), "product-invalid");
        }
        assert_eq!(listed(&t.db).await, [], "nothing was written");
    }

    async fn slugs_and_skus_are_taken_once(t: TestDb) {
        let env = env();
        make(&t.db, &env, shirt()).await.unwrap();
        let same_slug = make(&t.db, &env, simple("linen-shirt", "Other", 1)).await;
        let slug = "linen-shirt".to_owned();
        assert_eq!(refusal(same_slug), CatalogRefusal::SlugTaken { slug });
        let mut same_sku = simple("other", "Other", 1);
        same_sku.variants.push(NewVariant::new("LS-GIFT", eur(1)));
        let sku = "LS-GIFT".to_owned();
        assert_eq!(refusal(make(&t.db, &env, same_sku).await), CatalogRefusal::SkuTaken { sku });
        let mut twice = simple("other", "Other", 1);
        twice.variants.push(NewVariant::new("other", eur(1)));
        assert_eq!(code(make(&t.db, &env, twice).await), "sku-taken");
        assert_eq!(read_page(&t.db, "other").await, None, "all or nothing");
        make(&t.db, &env, simple("other", "Other", 1)).await.unwrap();
    }

    async fn one_of_many_makers_wins(t: TestDb) {
        let env = env();
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let (db, env) = (t.db.clone(), env.clone());
                tokio::spawn(async move { make(&db, &env, shirt()).await.map(|_| ()) })
            })
            .collect();
        let mut made = 0;
        for maker in makers {
            match maker.await.unwrap() {
                Ok(()) => made += 1,
                refused => assert_eq!(code(refused), "slug-taken"),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), 4500, 3)]);
    }

    async fn prices_change_everywhere_at_once(t: TestDb) {
        let env = env();
        let made = make(&t.db, &env, shirt()).await.unwrap();
        let [sage_m, sage_l, _] = [0, 1, 2].map(|index| made.variants[index].id);
        let set = |id, price| t.db.write(move |tx| set_price(tx, id, price));

        let set_to = set(sage_l, eur(4700)).await.unwrap();
        assert_eq!(set_to.price, eur(4700));
        assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), 4700, 3)]);
        assert_eq!(read_offer(&t.db, sage_l).await.price, eur(4700));

        let still_reduced = set(sage_m, eur(5900)).await.unwrap();
        assert_eq!(still_reduced.list_price, Some(eur(5900)));
        let no_longer = set(sage_m, eur(5901)).await.unwrap();
        assert_eq!(no_longer.list_price, None, "a price above the list price drops it");
        assert_eq!(set(sage_m, eur(0)).await.unwrap().price, eur(0), "a gift");
        assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), 0, 3)]);

        assert_eq!(code(set(sage_m, eur(-1)).await), "product-invalid");
        assert_eq!(code(set(sage_m, Money::new(1, Currency::USD)).await), "product-invalid");
        let unknown = VariantId(Uuid::from_u128(1));
        assert_eq!(code(set(unknown, eur(1)).await), "variant-unknown");
        assert_eq!(read_offer(&t.db, sage_m).await.price, eur(0));
    }

    async fn prices_set_at_once_leave_the_lowest(t: TestDb) {
        let env = env();
        let made = make(&t.db, &env, shirt()).await.unwrap();
        for round in 0..5 {
            let setting: Vec<_> = made
                .variants
                .iter()
                .zip([300, 200, 100])
                .map(|(variant, minor)| {
                    let (db, id) = (t.db.clone(), variant.id);
                    let price = eur(minor * 10 + round);
                    tokio::spawn(async move {
                        // Who loses every try to the others is told so, and asks again.
                        loop {
                            match db.write(move |tx| set_price(tx, id, price)).await {
                                Err(Error::Fault(Fault::Contention)) => {}
                                set => break set.map(|_| ()),
                            }
                        }
                    })
                })
                .collect();
            for set in setting {
                set.await.unwrap().unwrap();
            }
            let lowest = 1000 + round;
            assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), lowest, 3)]);
            let page = read_page(&t.db, "linen-shirt").await.unwrap();
            assert_eq!(page.product.price, Some(eur(lowest)));
        }
    }

    async fn what_is_switched_off_is_not_offered(t: TestDb) {
        let env = env();
        let made = make(&t.db, &env, shirt()).await.unwrap();
        let id = made.product.id;
        let ids: Vec<VariantId> = made.variants.iter().map(|it| it.id).collect();
        let switch = |id, on| t.db.write(move |tx| set_active(tx, id, on));

        let off = switch(ids[1], false).await.unwrap();
        assert!(!off.active && !off.offered);
        assert!(!read_offer(&t.db, ids[1]).await.active);
        assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), 4900, 2)]);
        let seen = read_page(&t.db, "linen-shirt").await.unwrap();
        assert_eq!(seen.variants.iter().map(|it| it.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
        let staff = t.db.read(move |read| find_product(read, id)).await.unwrap().unwrap();
        assert_eq!(staff.variants.len(), 3, "staff see all");

        for id in [ids[0], ids[2]] {
            switch(id, false).await.unwrap();
        }
        assert_eq!(listed(&t.db).await, [], "nothing to choose from");
        let seen = read_page(&t.db, "linen-shirt").await.unwrap();
        assert_eq!((seen.product.price, seen.product.variant_count), (None, 0));
        switch(ids[2], true).await.unwrap();
        assert_eq!(listed(&t.db).await, [("linen-shirt".to_owned(), 5100, 1)]);
        assert_eq!(code(switch(VariantId(Uuid::from_u128(1)), true).await), "variant-unknown");
    }

    async fn only_what_is_in_the_shop_is_seen(t: TestDb) {
        let env = env();
        let draft = NewProduct { status: Status::Draft, ..shirt() };
        let made = make(&t.db, &env, draft).await.unwrap();
        let (id, variant) = (made.product.id, made.variants[0].id);
        let put = |status| t.db.write(move |tx| set_status(tx, id, status));
        assert!(!read_offer(&t.db, variant).await.active);
        assert_eq!(read_page(&t.db, "linen-shirt").await, None);
        assert_eq!(listed(&t.db).await, []);
        put(Status::Active).await.unwrap();
        assert!(read_offer(&t.db, variant).await.active);
        assert!(read_page(&t.db, "linen-shirt").await.is_some());
        assert_eq!(listed(&t.db).await.len(), 1);
        put(Status::Archived).await.unwrap();
        assert!(!read_offer(&t.db, variant).await.active);
        assert_eq!(read_page(&t.db, "linen-shirt").await, None);
        assert_eq!(listed(&t.db).await, []);
        let unknown = ProductId(Uuid::from_u128(1));
        let refused = t.db.write(move |tx| set_status(tx, unknown, Status::Active)).await;
        assert_eq!(code(refused), "product-unknown");
    }

    async fn variants_and_pictures_are_added(t: TestDb) {
        let env = Arc::new(env());
        let made = make(&t.db, &env, simple("mug", "Mug", 1200)).await.unwrap();
        let id = made.product.id;
        assert_eq!(made.product.cover, None);
        let add = |new: NewVariant| {
            let env = env.clone();
            t.db.write(move |tx| add_variant(tx, &env, id, &new))
        };
        let blue = NewVariant {
            options: options(&[("colour", "blue")]),
            ..NewVariant::new("MUG-BLUE", eur(1100))
        };
        let blue = add(blue).await.unwrap();
        assert_eq!((blue.title.as_str(), blue.position), ("Mug, blue", 1));
        assert!(blue.offered);
        assert_eq!(listed(&t.db).await, [("mug".to_owned(), 1100, 2)]);
        assert_eq!(code(add(NewVariant::new("MUG-BLUE", eur(1))).await), "sku-taken");
        let dollars = NewVariant::new("MUG-US", Money::new(1, Currency::USD));
        assert_eq!(refusal(add(dollars).await).facts()["field"], "price");

        for (path, position) in [("/media/one.webp", 0), ("/media/two.webp", 1)] {
            let env = env.clone();
            let added = t.db.write(move |tx| add_image(tx, &env, id, &picture(path))).await;
            assert_eq!(added.unwrap().position, position);
        }
        let page = read_page(&t.db, "mug").await.unwrap();
        assert_eq!(page.images.len(), 2);
        assert_eq!(page.product.cover.as_ref().map(|it| it.path.as_str()), Some("/media/one.webp"));
        let env = env.clone();
        let unknown = ProductId(Uuid::from_u128(1));
        let refused = t.db.write(move |tx| add_image(tx, &env, unknown, &picture("/a"))).await;
        assert_eq!(code(refused), "product-unknown");
    }

    async fn categories_grow_as_a_tree(t: TestDb) {
        let env = env();
        let mut above = grow(&t.db, &env, "level-1", None).await.unwrap();
        for level in 2..=CATEGORY_DEPTH_MAX {
            above = grow(&t.db, &env, &format!("level-{level}"), Some(&above)).await.unwrap();
        }
        let deeper = refusal(grow(&t.db, &env, "deeper", Some(&above)).await);
        assert_eq!(deeper.facts()["field"], "parent_id");
        assert_eq!(code(grow(&t.db, &env, "level-1", None).await), "slug-taken");
        assert_eq!(code(grow(&t.db, &env, "Level 1", None).await), "category-invalid");
        let nowhere = crate::Category { id: env.id(), ..above };
        let orphan = refusal(grow(&t.db, &env, "orphan", Some(&nowhere)).await);
        assert_eq!(orphan.facts()["field"], "parent_id");
        let all = t.db.read(categories).await.unwrap();
        let slugs: Vec<_> = all.iter().map(|it| it.slug.clone()).collect();
        let expected: Vec<_> = (1..=CATEGORY_DEPTH_MAX).map(|it| format!("level-{it}")).collect();
        assert_eq!(slugs, expected);
    }

    async fn a_strange_slug_is_just_not_there(t: TestDb) {
        for slug in ["", "a\0b", "'; drop table products; --", "ÄÖÜ", &"x".repeat(10_000)] {
            assert_eq!(read_page(&t.db, slug).await, None);
        }
    }

    async fn every_failing_statement_leaves_nothing(t: TestDb) {
        let env = env();
        for nth in 1..60 {
            t.injector.fail_statement(nth);
            let tried = make(&t.db, &env, shirt()).await;
            if t.injector.calm() {
                tried.unwrap();
                assert!(nth > 10);
                return;
            }
            assert!(matches!(tried, Err(Error::Fault(Fault::Unavailable(_)))), "{nth}");
            assert_eq!(read_page(&t.db, "linen-shirt").await, None, "statement {nth}");
            assert_eq!(listed(&t.db).await, [], "statement {nth}");
        }
        panic!("making a product never ends");
    }

    async fn the_tables_hold_what_must_hold(t: TestDb) {
        let env = env();
        let made = make(&t.db, &env, shirt()).await.unwrap();
        let variant = made.variants[0].id;
        for (price, list_price) in [(-1, None), (5000, Some(4999_i64))] {
            let forced = t
                .db
                .write(move |tx| {
                    tx.execute(&crate::sql::VARIANT_PRICE, &[&variant, &price, &list_price])
                })
                .await;
            assert!(matches!(forced, Err(Fault::Constraint(_))), "{forced:?}");
        }
    }
}
