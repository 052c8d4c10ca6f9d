//! The account: orders and addresses.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::{Account, Address};
use kernel::{Fault, OrderId};
use serde::Deserialize;

use super::countries;
use super::error::PageError;
use super::form::Params;
use super::shell::{Keep, Shell, page};
use super::show::{Badge, Icon, Price, Time, count, moment, money};
use super::visitor::Visitor;
use crate::App;

/// Orders on a page.
const PAGE: u32 = 10;

/// Where in the list of orders.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    before: Option<OrderId>,
}

/// An order in the list.
struct Row {
    href: String,
    number: String,
    placed_at: Time,
    items: String,
    total: Price,
    badge: Badge,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    account: Account,
    orders: Vec<Row>,
    later: bool,
    older: Option<String>,
    addresses: Vec<(Address, String)>,
}

/// `GET /account`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Params(asked): Params<Asked>,
) -> Result<Response, PageError> {
    let id = visitor.account()?;
    let before = asked.before;
    let (account, orders, addresses) = app
        .shop
        .db
        .read(move |read| {
            let orders = orders::page_of_customer(read, id, before, PAGE)?;
            let addresses = flows::address_book(read, id)?;
            Ok::<_, Fault>((identity::account(read, id)?, orders, addresses))
        })
        .await?;
    let account = account.ok_or_else(|| PageError::not_found("account"))?;
    let row = |order: &orders::Order| Row {
        href: format!("/o/{}", order.id),
        number: order.number.clone(),
        placed_at: moment(order.placed_at),
        items: count(order.totals.item_count, "item", "items"),
        total: money(order.total()),
        badge: Badge::of(order.state),
    };
    let with_country =
        |address: Address| (address.clone(), countries::name(&address.country).to_owned());
    let account_page = AccountPage {
        shell: Shell::load(&app, &visitor, None).await?,
        account,
        orders: orders.orders.iter().map(row).collect(),
        later: before.is_some(),
        older: orders.next.map(|last| format!("/account?before={last}")),
        addresses: addresses.into_iter().map(with_country).collect(),
    };
    Ok(page(StatusCode::OK, Keep::Never, &account_page))
}
