//! What stands around every page, and how a page becomes an answer.

use askama::Template;
use axum::response::{IntoResponse, Response};
use flows::Owner;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Fault, Money};

use super::assets;
use super::error::PageError;
use super::show::{Price, count, money};
use super::visitor::Visitor;
use crate::App;

/// What stands around a page.
pub(crate) struct Shell {
    /// The categories at the top of the tree.
    pub(crate) sections: Vec<Section>,
    /// Units in the cart.
    pub(crate) in_cart: i64,
    /// What to call whoever is signed in.
    pub(crate) name: Option<String>,
    /// What has just happened on the way here.
    pub(crate) news: Option<String>,
    /// Whether nobody has been asked who is looking.
    pub(crate) bare: bool,
    /// What delivery costs; none where the shop could not be asked.
    pub(crate) shipping: Option<Price>,
}

/// A link to a category.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) here: bool,
}

impl Shell {
    /// For a page within the category `here`, if any.
    pub(crate) async fn load(
        app: &App,
        visitor: &Visitor,
        here: Option<&str>,
    ) -> Result<Self, Fault> {
        let owner = visitor.owner();
        let (categories, in_cart) = app
            .shop
            .db
            .read(move |read| {
                let cart = match &owner {
                    Some(Owner::Account(account)) => carts::find(read, *account)?,
                    Some(Owner::Visitor(hash)) => carts::find_by_token(read, hash)?,
                    None => None,
                };
                let lines = match cart {
                    Some(cart) => carts::lines(read, cart.id)?.answer(read)?,
                    None => Vec::new(),
                };
                let in_cart = lines.iter().map(|line| line.quantity).sum::<i64>();
                Ok::<_, Fault>((catalog::categories(read)?, in_cart))
            })
            .await?;
        let mut root = here.and_then(|slug| categories.iter().find(|it| it.slug == slug));
        while let Some(parent) = root.and_then(|it| it.parent_id) {
            root = categories.iter().find(|it| it.id == parent);
        }
        let top = categories.iter().filter(|it| it.parent_id.is_none());
        let sections = top.map(|it| Section {
            title: it.title.clone(),
            href: format!("/c/{}", it.slug),
            here: root.is_some_and(|root| root.id == it.id),
        });
        let settings = &app.shop.settings;
        Ok(Self {
            sections: sections.collect(),
            in_cart,
            name: visitor.who.as_ref().map(|who| who.name.clone()),
            news: visitor.moved.map(|moved| {
                format!("We added {} from this device.", count(moved, "item", "items"))
            }),
            bare: false,
            shipping: Some(money(Money::new(settings.shipping, settings.currency))),
        })
    }

    /// For a page that must be there when the database is not.
    pub(crate) fn bare() -> Self {
        Self {
            sections: Vec::new(),
            in_cart: 0,
            name: None,
            news: None,
            bare: true,
            shipping: None,
        }
    }

    /// Where the style sheet lies.
    pub(crate) fn css() -> &'static str {
        assets::path("shop.css")
    }

    /// Where the shop's sign lies.
    pub(crate) fn sign() -> &'static str {
        assets::path("sign.svg")
    }

    /// `3 items`.
    pub(crate) fn items(&self) -> String {
        count(self.in_cart, "item", "items")
    }

    /// `Cart`, `Cart, 3 items`.
    pub(crate) fn cart_words(&self) -> String {
        match self.in_cart {
            0 => "Cart".into(),
            _ => format!("Cart, {}", self.items()),
        }
    }
}

/// Whether a browser may keep a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
    /// For going back; it asks again when it is visited.
    ForBack,
    /// Not at all: it says something about somebody.
    Never,
}

/// A page as an answer.
pub(crate) fn page(status: StatusCode, keep: Keep, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => answer(status, keep, html),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            PageError::broken().into_response()
        }
    }
}

pub(crate) fn answer(status: StatusCode, keep: Keep, html: String) -> Response {
    (status, headers(keep), html).into_response()
}

/// What stands above any page.
pub(crate) fn headers(keep: Keep) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let keep = match keep {
        Keep::ForBack => "private, no-cache",
        Keep::Never => "no-store",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers
}
