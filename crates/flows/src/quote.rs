//! The preview of an order: what it would cost now, signed, promised for some minutes. Pure: it
//! writes nothing and holds nothing.

use identity::Address;
use inventory::Short;
use kernel::{
    AccountId, AddressId, CartId, Currency, Error, Fault, Money, OrderId, ProductId, Timestamp,
    VariantId, limits,
};
use orders::{LineTotal, Totals, add_up};
use serde::{Deserialize, Serialize};
use store::Read;

use crate::refusal::Refusal;
use crate::shop::{Settings, Shop};
use crate::{Answer, cart};

/// What a quote is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The selected lines of the customer's cart.
    Cart,
    /// One thing, without touching the cart.
    BuyNow {
        /// What.
        variant_id: VariantId,
        /// How many.
        quantity: i64,
    },
}

/// A line of a quote.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuoteLine {
    /// What.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Its code.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// Price of one, minor units.
    pub unit_price: i64,
    /// How many.
    pub quantity: i64,
    /// `unit_price × quantity`.
    pub line_total: i64,
}

/// A quote. Its id becomes the order's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quote {
    /// The order's id, if it comes to one, and its idempotency key.
    pub id: OrderId,
    /// Who asked.
    pub customer_id: AccountId,
    /// The cart and its version, unless bought directly.
    pub cart: Option<(CartId, i64)>,
    /// What.
    pub lines: Vec<QuoteLine>,
    /// What it costs.
    pub totals: Totals,
    /// Where it goes.
    pub address: Option<Address>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// A quote with what a buyer wants to know beside it.
#[derive(Clone, Debug)]
pub struct QuoteView {
    /// The quote.
    pub quote: Quote,
    /// The quote, signed: what to place an order with.
    pub token: String,
    /// What is not there in the wanted quantity right now.
    pub short: Vec<Short>,
    /// What keeps it from becoming an order: `address`, `stock`.
    pub missing: Vec<&'static str>,
}

impl Shop {
    /// Makes a quote for `customer`, to `address` or to the address used by default.
    pub async fn quote(
        &self,
        customer: AccountId,
        source: Source,
        address: Option<AddressId>,
    ) -> Answer<QuoteView> {
        let id: OrderId = self.env.id();
        let expires_at = later(self.env.now(), self.settings.quote);
        let settings = self.settings.clone();
        let (quote, short) = self
            .db
            .read(move |read| {
                let asked = match address {
                    Some(id) => identity::addresses::find(read, customer, id)?,
                    None => identity::addresses::preferred(read, customer)?,
                };
                let picked = pick(read, customer, source)?;
                let priced = price(read, &picked, settings.currency);
                let found = asked.one(read)?;
                if address.is_some() && found.is_none() {
                    return Err(Error::Refused(Refusal::NotFound("address")));
                }
                let (address, (lines, short)) = (found, priced?);
                let totals = sum(&settings, &lines)?;
                let cart = picked.cart;
                let quote =
                    Quote { id, customer_id: customer, cart, lines, totals, address, expires_at };
                Ok::<_, Error<Refusal>>((quote, short))
            })
            .await?;
        let token = self.sign(&quote)?;
        kernel::crash_point!("flow.quoted");
        let mut missing = Vec::new();
        if quote.address.is_none() {
            missing.push("address");
        }
        if !short.is_empty() {
            missing.push("stock");
        }
        Ok(QuoteView { quote, token, short, missing })
    }

    /// The token that stands for a quote.
    pub fn sign(&self, quote: &Quote) -> Result<String, Fault> {
        self.seal.close(quote).map_err(|e| Fault::Broken(format!("a quote cannot be written: {e}")))
    }

    /// The quote behind a token, if this shop made it.
    pub fn open_quote(&self, token: &str) -> Result<Quote, Refusal> {
        self.seal.open(token).ok_or(Refusal::QuoteInvalid)
    }
}

struct Picked {
    cart: Option<(CartId, i64)>,
    wanted: Vec<(VariantId, i64)>,
    /// What the cart has been promised.
    holds: Vec<inventory::Hold>,
}

fn pick(
    read: &mut Read<'_>,
    customer: AccountId,
    source: Source,
) -> Result<Picked, Error<Refusal>> {
    match source {
        Source::BuyNow { variant_id, quantity } => {
            cart::check_quantity(quantity).map_err(Error::Refused)?;
            Ok(Picked { cart: None, wanted: vec![(variant_id, quantity)], holds: Vec::new() })
        }
        Source::Cart => {
            let nothing = || Error::Refused(Refusal::NothingSelected);
            let cart = carts::find(read, customer)?.ok_or_else(nothing)?;
            let lines = carts::lines(read, cart.id)?;
            let holds = inventory::holds_of(read, cart.id.0)?;
            let lines = lines.answer(read)?;
            let selected = lines.into_iter().filter(|line| line.selected);
            let wanted: Vec<_> = selected.map(|line| (line.variant_id, line.quantity)).collect();
            if wanted.is_empty() {
                return Err(nothing());
            }
            let holds = holds.answer(read)?;
            Ok(Picked { cart: Some((cart.id, cart.version)), wanted, holds })
        }
    }
}

fn price(
    read: &mut Read<'_>,
    picked: &Picked,
    currency: Currency,
) -> Result<(Vec<QuoteLine>, Vec<Short>), Error<Refusal>> {
    let ids = || picked.wanted.iter().map(|(variant, _)| *variant);
    let offers = catalog::offers(read, ids())?;
    let levels = inventory::levels(read, ids())?;
    let (offers, levels) = (offers.answer(read)?, levels.answer(read)?);
    let mut lines = Vec::with_capacity(picked.wanted.len());
    let mut short = Vec::new();
    for &(variant_id, quantity) in &picked.wanted {
        let offer = offers
            .iter()
            .find(|offer| offer.variant_id == variant_id)
            .filter(|offer| offer.active && offer.price.currency == currency)
            .ok_or(Error::Refused(Refusal::NotFound("variant")))?;
        let line_total =
            offer.price.times(quantity).map_err(|_| Error::Refused(Refusal::AmountTooLarge))?.minor;
        let free = levels.iter().find(|stock| stock.variant_id == variant_id);
        let own = picked.holds.iter().find(|hold| hold.variant_id == variant_id);
        let available =
            free.map_or(0, inventory::Stock::available) + own.map_or(0, |hold| hold.quantity);
        if available < quantity {
            short.push(Short { variant_id, wanted: quantity, available });
        }
        lines.push(QuoteLine {
            variant_id,
            product_id: offer.product_id,
            sku: offer.sku.clone(),
            title: offer.title.clone(),
            unit_price: offer.price.minor,
            quantity,
            line_total,
        });
    }
    Ok((lines, short))
}

fn sum(settings: &Settings, lines: &[QuoteLine]) -> Result<Totals, Error<Refusal>> {
    let priced = lines.iter().map(|line| LineTotal {
        unit_price: Money::new(line.unit_price, settings.currency),
        quantity: line.quantity,
    });
    add_up(settings.currency, priced, 0, settings.shipping, 0)
        .map_err(|_| Error::Refused(Refusal::AmountTooLarge))
}

/// `at` moved by `by`; the end of time when that is beyond it.
pub(crate) fn later(at: Timestamp, by: kernel::SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

const _: () = assert!(limits::LINES_MAX <= 100, "a quote with more lines outgrows its token");
