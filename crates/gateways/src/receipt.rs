//! The fiscal receipt of the Russian law 54-FZ: what was sold, line by line, at which tax rate.
//! The words are the law's; a provider passes them on to the tax office.

use kernel::{Money, MoneyError};
use serde::{Deserialize, Serialize};

use crate::request::BuyerContact;

/// A receipt. Its lines add up to what is paid, captured or given back, to the minor unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Where it is sent: an e-mail address or a phone number must be there.
    pub customer: BuyerContact,
    /// What was sold. At least one line.
    pub lines: Vec<ReceiptLine>,
    /// The shop's tax system (1-6), for shops with a till of their own.
    pub tax_system: Option<u8>,
}

/// A line of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// What it is, at most 128 characters.
    pub description: String,
    /// How many pieces.
    pub quantity: u32,
    /// What one of them costs, with tax, after discounts.
    pub unit_price: Money,
    /// The law's code of the tax rate: 1 none, 2 0 %, 3 10 %, 7 5 %, 8 7 %, 11 22 %, …
    pub vat_code: u8,
    /// What kind of thing it is.
    pub subject: PaymentSubject,
    /// At which step of the sale it is paid.
    pub mode: PaymentMode,
}

/// What kind of thing is sold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the law's own words")]
pub enum PaymentSubject {
    Commodity,
    Excise,
    Job,
    Service,
    Payment,
    Another,
}

/// At which step of a sale money is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the law's own words")]
pub enum PaymentMode {
    FullPrepayment,
    PartialPrepayment,
    Advance,
    FullPayment,
    PartialPayment,
    Credit,
    CreditPayment,
}

impl Receipt {
    /// What the lines add up to.
    pub fn total(&self) -> Result<Option<Money>, MoneyError> {
        let mut total: Option<Money> = None;
        for line in &self.lines {
            let sum = line.unit_price.times(i64::from(line.quantity))?;
            total = Some(match total {
                Some(total) => total.plus(sum)?,
                None => sum,
            });
        }
        Ok(total)
    }
}
