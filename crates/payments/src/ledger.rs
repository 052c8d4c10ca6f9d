//! Double entry: every change of money is a transaction whose lines add up to nothing in each
//! currency, written in the same commit as the change itself. Nothing in it is ever altered or taken away; the database
//! refuses both.
//!
//! Debit is above zero, credit below. What the accounts say:
//!
//! | account | above zero | below zero |
//! |---|---|---|
//! | `gateway:NAME` | what NAME owes the shop | |
//! | `customer` | | what the shop owes customers: money nobody wanted, refunds not yet confirmed |
//! | `sales`, `shipping`, `tax` | | what was earned, by what it was earned with |
//! | `refunds` | what of it was given up again | |
//! | `fees` | what gateways kept | |
//! | `exchange` | what was earned, where it came in another currency | what came for it |

use std::collections::BTreeMap;
use std::fmt;

use kernel::{AttemptId, Currency, Fault, Money, OrderId, RefundId, Timestamp, Uuid};
use store::{Param, Read, Tx, from_row};

use crate::sql;

/// Where money is booked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Account {
    /// What a gateway holds for the shop.
    Gateway(String),
    /// What the shop owes customers.
    Customer,
    /// Goods, less discounts.
    Sales,
    /// Delivery.
    Shipping,
    /// Tax that was collected.
    Tax,
    /// What was earned and given up again.
    Refunds,
    /// What gateways kept.
    Fees,
    /// What came in one currency for what was earned in another.
    Exchange,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(name) => write!(f, "gateway:{name}"),
            Self::Customer => f.write_str("customer"),
            Self::Sales => f.write_str("sales"),
            Self::Shipping => f.write_str("shipping"),
            Self::Tax => f.write_str("tax"),
            Self::Refunds => f.write_str("refunds"),
            Self::Fees => f.write_str("fees"),
            Self::Exchange => f.write_str("exchange"),
        }
    }
}

/// How what an order earns is made up, minor units; the sum is the order's total.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Earned {
    /// Goods, less discounts.
    pub sales: i64,
    /// Delivery.
    pub shipping: i64,
    /// Tax.
    pub tax: i64,
}

/// What a transaction is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct About {
    pub txn: Uuid,
    pub kind: &'static str,
    pub order: OrderId,
    pub attempt: Option<AttemptId>,
    pub refund: Option<RefundId>,
    pub at: Timestamp,
}

/// A line of a transaction on its way to the database.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    about: About,
    number: i64,
    account: String,
    currency: Currency,
    amount: i64,
}

/// Transactions to be written.
#[derive(Default, Debug)]
pub(crate) struct Ledger {
    lines: Vec<Line>,
}

impl Ledger {
    /// Books a transaction. Lines of nothing are left out.
    pub(crate) fn book(&mut self, about: About, lines: &[(Account, Money)]) {
        let mut sums = BTreeMap::new();
        for (_, amount) in lines {
            *sums.entry(amount.currency).or_insert(0) += amount.minor;
        }
        let adds_up = sums.values().all(|sum| *sum == 0);
        assert!(adds_up, "what is booked adds up to nothing, not to {sums:?}");
        let lines = lines.iter().filter(|(_, amount)| amount.minor != 0).zip(1..);
        self.lines.extend(lines.map(|((account, amount), number)| Line {
            about,
            number,
            account: account.to_string(),
            currency: amount.currency,
            amount: amount.minor,
        }));
    }

    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.insert_many(&sql::LEDGER_ADD, &self.lines, |entry| {
            [
                entry.about.txn.value(),
                entry.number.value(),
                entry.account.value(),
                entry.currency.value(),
                entry.amount.value(),
                store::Value::Text(entry.about.kind),
                entry.about.order.value(),
                entry.about.attempt.value(),
                entry.about.refund.value(),
                entry.about.at.value(),
            ]
        })
    }
}

/// What is booked on an account in a currency, in all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// Which account.
    pub account: String,
    /// In which currency.
    pub currency: Currency,
    /// Debits less credits, minor units.
    pub amount: i64,
}

from_row!(Balance { account, currency, amount });

impl Balance {
    /// As money.
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

/// A line as it stands in the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The transaction.
    pub txn: Uuid,
    /// 1, 2, 3 …
    pub line: i64,
    /// Which account.
    pub account: String,
    /// In which currency.
    pub currency: Currency,
    /// Debit above zero, credit below, minor units.
    pub amount: i64,
    /// What happened: `captured`, `orphaned`, `refund_reserved`, `refunded`, …
    pub kind: String,
    /// When.
    pub at: Timestamp,
}

from_row!(Entry { txn, line, account, currency, amount, kind, at });

/// The balance of every account, by account and currency.
pub fn balances(read: &mut Read<'_>) -> Result<Vec<Balance>, Fault> {
    read.rows(&sql::BALANCES, &[])
}

/// Everything that was booked for an order, oldest first.
pub fn booked_for(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Entry>, Fault> {
    read.rows(&sql::LEDGER_OF_ORDER, &[&order])
}
