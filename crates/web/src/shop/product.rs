//! The page of one product.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{Image, ProductPage, Variant};
use flows::Owner;
use http::StatusCode;
use inventory::Stock;
use kernel::{Fault, limits};
use serde::Deserialize;

use super::catalog_list::FEW;
use super::error::PageError;
use super::form::Params;
use super::next::encoded;
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Price, Prose, count, money, prose, span};
use super::visitor::Visitor;
use crate::App;

/// What the address says.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// The SKU of the variant to show.
    v: Option<String>,
    /// Whether it has just been put into the cart.
    added: Option<String>,
    /// Whether it was gone when it was to be put there.
    gone: Option<String>,
}

/// An option with its values: `Colour`: sage, oat.
struct Choice {
    name: String,
    values: Vec<Value>,
}

/// A value of an option, and the variant it leads to.
struct Value {
    label: String,
    href: String,
    chosen: bool,
    sold_out: bool,
}

#[derive(Template)]
#[template(path = "product.html")]
struct Page {
    shell: Shell,
    product: ProductPage,
    images: Vec<Image>,
    chosen: Variant,
    price: Price,
    was: Option<Price>,
    choices: Vec<Choice>,
    stock: StockLine,
    /// The most that can be put into the cart at once.
    most: i64,
    prose: Prose,
    in_cart: i64,
    added: bool,
    gone: bool,
    hold: String,
}

/// How many there are, in words.
struct StockLine {
    /// `ok`, `warn` or `bad`.
    tone: &'static str,
    words: String,
    can_be_had: bool,
}

/// `GET /p/{slug}`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, PageError> {
    let owner = visitor.owner();
    let found = app
        .shop
        .db
        .read(move |read| {
            let Some(found) = catalog::page(read, &slug)? else { return Ok(None) };
            let ids = found.variants.iter().map(|variant| variant.id);
            let levels = inventory::levels(read, ids)?.answer(read)?;
            let cart = match &owner {
                Some(Owner::Account(account)) => carts::find(read, *account)?,
                Some(Owner::Visitor(hash)) => carts::find_by_token(read, hash)?,
                None => None,
            };
            let (lines, holds) = match cart {
                Some(cart) => {
                    let lines = carts::lines(read, cart.id)?;
                    let holds = inventory::holds_of(read, cart.id.0)?;
                    (lines.answer(read)?, holds.answer(read)?)
                }
                None => (Vec::new(), Vec::new()),
            };
            Ok::<_, Fault>(Some((found, levels, lines, holds)))
        })
        .await?;
    let (product, levels, lines, holds) = found.ok_or_else(|| PageError::not_found("product"))?;
    let free = |variant: &Variant| {
        levels.iter().find(|stock| stock.variant_id == variant.id).map_or(0, Stock::available)
    };
    let asked_for = asked.v.as_deref();
    let chosen = choose(&product.variants, asked_for, &free).cloned();
    let chosen = chosen.ok_or_else(|| PageError::not_found("product"))?;
    let in_cart = lines.iter().find(|line| line.variant_id == chosen.id).map_or(0, |l| l.quantity);
    let own = holds.iter().find(|hold| hold.variant_id == chosen.id).map_or(0, |h| h.quantity);
    let level = levels.iter().find(|stock| stock.variant_id == chosen.id);
    let here = product.category.as_ref().map(|category| category.slug.clone());
    let shell = Shell::load(&app, &visitor, here.as_deref()).await?;
    let page_of_product = Page {
        shell,
        images: product.images.clone(),
        price: money(chosen.price),
        was: chosen.list_price.filter(|list| list.minor > chosen.price.minor).map(money),
        choices: choices(&product, &chosen, &free),
        stock: stock_line(level, own),
        most: free(&chosen).clamp(1, limits::LINE_QUANTITY_MAX),
        prose: prose(&product.product.description),
        in_cart,
        added: asked.added.is_some() && in_cart > 0,
        gone: asked.gone.is_some(),
        hold: span(app.shop.settings.hold),
        product,
        chosen,
    };
    Ok(page(StatusCode::OK, Keep::ForBack, &page_of_product))
}

/// The variant that was asked for, else the first that can be had, else the first.
fn choose<'v>(
    variants: &'v [Variant],
    sku: Option<&str>,
    free: &impl Fn(&Variant) -> i64,
) -> Option<&'v Variant> {
    let asked = sku.and_then(|sku| variants.iter().find(|variant| variant.sku == sku));
    asked.or_else(|| variants.iter().find(|it| free(it) > 0)).or_else(|| variants.first())
}

/// For each option its values in the order of the variants. A value leads to the variant that
/// has it and is otherwise like the chosen one; where there is none, to the first that has it.
fn choices(
    product: &ProductPage,
    chosen: &Variant,
    free: &impl Fn(&Variant) -> i64,
) -> Vec<Choice> {
    let variants = &product.variants;
    let names = || chosen.options.keys();
    let choice = |name: &String| {
        let mut values: Vec<Value> = Vec::new();
        for variant in variants {
            let Some(label) = variant.options.get(name) else { continue };
            if values.iter().any(|value| value.label == *label) {
                continue;
            }
            let like = |it: &&Variant| same_but(&it.options, &chosen.options, name, label);
            let leads_to = variants.iter().find(like).unwrap_or(variant);
            values.push(Value {
                href: format!("/p/{}?v={}", product.product.slug, encoded(&leads_to.sku)),
                chosen: chosen.options.get(name) == Some(label),
                sold_out: free(leads_to) <= 0,
                label: label.clone(),
            });
        }
        Choice { name: name.clone(), values }
    };
    names().map(choice).filter(|choice| choice.values.len() > 1 || variants.len() > 1).collect()
}

fn same_but(
    options: &BTreeMap<String, String>,
    chosen: &BTreeMap<String, String>,
    name: &str,
    label: &str,
) -> bool {
    options.get(name).is_some_and(|value| value == label)
        && chosen.iter().all(|(key, value)| key == name || options.get(key) == Some(value))
}

/// `own` units are held for whoever looks.
fn stock_line(level: Option<&Stock>, own: i64) -> StockLine {
    let (free, others) = level.map_or((0, 0), |stock| (stock.available(), stock.held - own));
    let (tone, words) = match (free, others) {
        (1..=FEW, 1..) => {
            ("warn", format!("Only {free} left, {others} more in someone’s checkout"))
        }
        (1..=FEW, _) => ("warn", format!("Only {free} left")),
        (1.., _) => ("ok", "In stock".to_owned()),
        (_, _) if own > 0 => ("warn", "All that is left is in your cart".to_owned()),
        (_, 1..) => {
            let last = count(others, "The last one is", "The last ones are");
            let last = last.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            ("bad", format!("{last} in someone’s checkout. Look again in a few minutes."))
        }
        _ => ("bad", "Out of stock".to_owned()),
    };
    StockLine { tone, words, can_be_had: free > 0 }
}

#[cfg(test)]
mod tests {
    use kernel::{ProductId, Uuid, VariantId};

    use super::*;

    #[test]
    fn stock_is_said_in_words() {
        let level = |on_hand, held| Stock {
            variant_id: VariantId(Uuid::nil()),
            product_id: ProductId(Uuid::nil()),
            on_hand,
            held,
            sold: 0,
        };
        let cases = [
            (40, 0, 0, "In stock"),
            (40, 38, 0, "Only 2 left, 38 more in someone’s checkout"),
            (2, 0, 0, "Only 2 left"),
            (3, 1, 1, "Only 2 left"),
            (1, 1, 0, "The last one is in someone’s checkout. Look again in a few minutes."),
            (4, 4, 1, "All that is left is in your cart"),
            (4, 4, 0, "The last ones are in someone’s checkout. Look again in a few minutes."),
            (0, 0, 0, "Out of stock"),
        ];
        for (on_hand, held, own, words) in cases {
            assert_eq!(stock_line(Some(&level(on_hand, held)), own).words, words);
        }
        assert_eq!(stock_line(None, 0).words, "Out of stock");
    }
}
