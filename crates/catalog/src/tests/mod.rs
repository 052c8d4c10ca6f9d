//! What the statements do, on both engines.

mod lists;
mod products;

use std::collections::BTreeMap;

use kernel::{Coded, Currency, Env, Error, Money, Timestamp};
use store::Db;

use crate::{
    CatalogRefusal, Category, NewCategory, NewImage, NewProduct, NewVariant, ProductPage, Status,
    create_category, create_product,
};

fn env() -> Env {
    let start: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    Env::manual(start, 5).0
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A product of one variant, whose SKU is its slug.
fn simple(slug: &str, title: &str, minor: i64) -> NewProduct {
    NewProduct {
        slug: slug.into(),
        title: title.into(),
        description: "Plain.".into(),
        category: None,
        status: Status::Active,
        variants: vec![NewVariant::new(slug, eur(minor))],
        images: Vec::new(),
    }
}

fn shirt() -> NewProduct {
    NewProduct {
        slug: "linen-shirt".into(),
        title: " Linen shirt ".into(),
        description: "Washed linen.\nMade to be worn.".into(),
        category: None,
        status: Status::Active,
        variants: vec![
            NewVariant {
                options: options(&[("size", "M"), ("colour", "sage")]),
                list_price: Some(eur(5900)),
                ..NewVariant::new("LS-SAGE-M", eur(4900))
            },
            NewVariant {
                options: options(&[("size", "L"), ("colour", "sage")]),
                ..NewVariant::new("LS-SAGE-L", eur(4500))
            },
            NewVariant { title: Some("Gift card".into()), ..NewVariant::new("LS-GIFT", eur(5100)) },
        ],
        images: vec![picture("/media/front.webp"), picture("/media/back.webp")],
    }
}

fn picture(path: &str) -> NewImage {
    NewImage { path: path.into(), alt: "A linen shirt".into(), width: 1200, height: 1600 }
}

async fn make(db: &Db, env: &Env, new: NewProduct) -> Result<ProductPage, Error<CatalogRefusal>> {
    let env = env.clone();
    db.write(move |tx| create_product(tx, &env, &new)).await
}

async fn grow(
    db: &Db,
    env: &Env,
    slug: &str,
    parent: Option<&Category>,
) -> Result<Category, Error<CatalogRefusal>> {
    let env = env.clone();
    let new = NewCategory {
        parent_id: parent.map(|parent| parent.id),
        slug: slug.into(),
        title: slug.to_uppercase(),
        position: 0,
    };
    db.write(move |tx| create_category(tx, &env, &new)).await
}

fn code<T>(result: Result<T, Error<CatalogRefusal>>) -> &'static str {
    refusal(result).code()
}

fn refusal<T>(result: Result<T, Error<CatalogRefusal>>) -> CatalogRefusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(Error::Fault(fault)) => panic!("a fault: {fault}"),
        Ok(_) => panic!("it was done"),
    }
}
