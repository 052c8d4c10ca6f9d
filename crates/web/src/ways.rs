//! The ways to pay an order.

use flows::Refusal;
use jobs::Offer;
use kernel::{Error, Money};

use crate::App;

/// The shop's ways to pay `total`, those that take it.
pub(crate) fn of(app: &App, total: Money) -> Vec<Offer> {
    app.cashier.offers(total)
}

/// Whether the order that a quote promises may be placed with this way to pay. One that is there
/// already may: it is only found again.
pub(crate) async fn fit(app: &App, token: &str, method: &str) -> Result<(), Error<Refusal>> {
    if !app.cashier.is_choosy(method) {
        return Ok(());
    }
    let quote = app.shop.open_quote(token).map_err(Error::Refused)?;
    let total = Money::new(quote.totals.total, quote.totals.currency);
    let known = app.shop.settings.methods.iter().any(|name| name == method);
    if !known || of(app, total).iter().any(|offer| offer.method == method) {
        return Ok(());
    }
    match app.shop.db.read(move |read| orders::find(read, quote.id)).await? {
        Some(_) => Ok(()),
        None => Err(Error::Refused(Refusal::MethodUnfit(method.to_owned()))),
    }
}
