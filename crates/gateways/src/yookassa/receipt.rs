//! The fiscal receipt as YooKassa takes it.

use std::ops::RangeInclusive;

use kernel::Money;
use serde::Serialize;

use super::wire::{Amount, DESCRIPTION_MAX, shortened};
use crate::answer::invalid;
use crate::error::GatewayError;
use crate::receipt::{self, PaymentMode, PaymentSubject};
use crate::request::BuyerContact;

const LINES_MAX: usize = 80;
const VAT_CODES: RangeInclusive<u8> = 1..=12;

#[derive(Serialize)]
pub(super) struct Receipt {
    customer: Customer,
    items: Vec<ReceiptItem>,
    internet: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_system_code: Option<u8>,
}

#[derive(Serialize)]
struct Customer {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

#[derive(Serialize)]
struct ReceiptItem {
    description: String,
    quantity: u32,
    amount: Amount,
    vat_code: u8,
    payment_subject: PaymentSubject,
    payment_mode: PaymentMode,
    measure: &'static str,
}

/// The receipt of `total`. One that does not add up to it is not sent: the tax office would get it.
pub(super) fn receipt(
    receipt: Option<&receipt::Receipt>,
    total: Money,
) -> Result<Option<Receipt>, GatewayError> {
    let Some(receipt) = receipt else { return Ok(None) };
    let sum =
        receipt.total().map_err(|_| invalid("a receipt that cannot be added up", "receipt"))?;
    if sum != Some(total) {
        return Err(invalid("a receipt that does not add up to the amount", "receipt"));
    }
    if receipt.lines.len() > LINES_MAX {
        return Err(invalid("a receipt with too many lines", "receipt"));
    }
    let items = receipt.lines.iter().map(|line| {
        if line.quantity == 0 || line.description.is_empty() || !VAT_CODES.contains(&line.vat_code)
        {
            return Err(invalid("a line of the receipt", "receipt"));
        }
        Ok(ReceiptItem {
            description: shortened(&line.description, DESCRIPTION_MAX),
            quantity: line.quantity,
            amount: Amount::of(line.unit_price)?,
            vat_code: line.vat_code,
            payment_subject: line.subject,
            payment_mode: line.mode,
            measure: "piece",
        })
    });
    let items = items.collect::<Result<_, _>>()?;
    let customer = customer(&receipt.customer)?;
    Ok(Some(Receipt { customer, items, internet: true, tax_system_code: receipt.tax_system }))
}

fn customer(buyer: &BuyerContact) -> Result<Customer, GatewayError> {
    let digits = |phone: &String| phone.chars().filter(char::is_ascii_digit).collect::<String>();
    let phone = buyer.phone.as_ref().map(digits).filter(|digits| !digits.is_empty());
    let email = buyer.email.clone().filter(|email| !email.is_empty());
    if email.is_none() && phone.is_none() {
        return Err(invalid("a receipt for nobody", "receipt.customer"));
    }
    Ok(Customer { email, phone })
}
