//! The fiscal receipt of a payment or of a refund, from what the order says.
//!
//! Its lines add up to what is paid to the minor unit, whatever discounts, tax or another currency
//! have done to the order's prices: the sum is shared out by what each line costs, the largest
//! remainders first, and a line whose units do not come out even becomes two.

use flows::{Receipts, Settings};
use gateways::{BuyerContact, PaymentMode, PaymentSubject, Receipt, ReceiptLine};
use kernel::{Fault, Money, OrderId};
use orders::{Line, Order, Totals};
use payments::RefundLine;
use store::Read;

/// An order with what is told of it to those who take its money.
pub(super) struct Sale {
    /// The order.
    pub order: Order,
    lines: Vec<Line>,
    email: Option<String>,
    /// The number they sign in with.
    phone: Option<String>,
}

impl Sale {
    /// The sale, if there is such an order.
    pub(super) fn load(read: &mut Read<'_>, id: OrderId) -> Result<Option<Self>, Fault> {
        let Some(order) = orders::find(read, id)? else { return Ok(None) };
        let account = identity::account(read, order.customer_id)?;
        let (email, own) = account.map_or((None, None), identity::Account::reached_at);
        Ok(Some(Self { lines: orders::lines(read, id)?, order, email, phone: own }))
    }

    /// How the buyer can be reached.
    pub(super) fn buyer(&self) -> BuyerContact {
        let address: Option<serde_json::Value> = serde_json::from_str(&self.order.address).ok();
        let phone = address.and_then(|address| Some(address.get("phone")?.as_str()?.to_owned()));
        BuyerContact { email: self.email.clone(), phone: phone.or_else(|| self.phone.clone()) }
    }

    /// The receipt of `amount` for all of it, where receipts are made.
    pub(super) fn receipt(&self, settings: &Settings, amount: Money) -> Option<Receipt> {
        let terms = settings.receipts?;
        Some(of_order(terms, self.buyer(), &self.lines, &self.order.totals, amount))
    }
}

/// Something that was paid for: its name, how many, its weight in the sum.
struct Item<'a> {
    name: &'a str,
    quantity: u32,
    weight: i64,
    subject: PaymentSubject,
    vat_code: u8,
}

/// The receipt of `amount` for a whole order.
pub(super) fn of_order(
    terms: Receipts,
    buyer: BuyerContact,
    lines: &[Line],
    totals: &Totals,
    amount: Money,
) -> Receipt {
    let delivery = (totals.shipping > 0).then_some(Item {
        name: "Delivery",
        quantity: 1,
        weight: totals.shipping,
        subject: PaymentSubject::Service,
        vat_code: terms.delivery_vat_code,
    });
    let goods = lines.iter().map(|line| {
        // A discount is the goods', not the delivery's.
        let (paid, all) = (totals.merchandise - totals.discount, totals.merchandise);
        let weight = i128::from(line.line_total) * i128::from(paid) / i128::from(all.max(1));
        goods(terms, &line.title, line.quantity, i64::try_from(weight).unwrap_or(i64::MAX))
    });
    made(terms, buyer, &goods.chain(delivery).collect::<Vec<_>>(), amount)
}

/// The receipt of a part that is given back: of the lines it is for, or of the order as such.
pub(super) fn of_refund(
    terms: Receipts,
    buyer: BuyerContact,
    (lines, parts): (&[Line], &[RefundLine]),
    number: &str,
    amount: Money,
) -> Receipt {
    let order = format!("Order {number}");
    let mut items: Vec<Item<'_>> = parts
        .iter()
        .filter(|part| part.amount > 0)
        .filter_map(|part| {
            let line = lines.iter().find(|line| line.position == part.position)?;
            Some(goods(terms, &line.title, part.quantity, part.amount))
        })
        .collect();
    if items.is_empty() {
        items.push(goods(terms, &order, 1, 1));
    }
    made(terms, buyer, &items, amount)
}

fn goods(terms: Receipts, name: &str, quantity: i64, weight: i64) -> Item<'_> {
    Item {
        name,
        quantity: u32::try_from(quantity).unwrap_or(u32::MAX).max(1),
        weight,
        subject: PaymentSubject::Commodity,
        vat_code: terms.vat_code,
    }
}

fn made(terms: Receipts, customer: BuyerContact, items: &[Item<'_>], amount: Money) -> Receipt {
    let weights: Vec<i64> = items.iter().map(|item| item.weight).collect();
    let shares = shared(amount.minor, &weights);
    let lines = items.iter().zip(shares).flat_map(|(item, share)| {
        let quantity = i64::from(item.quantity);
        let (price, dearer) = (share / quantity, share % quantity);
        let line = move |quantity: i64, price: i64| ReceiptLine {
            description: item.name.to_owned(),
            quantity: u32::try_from(quantity).unwrap_or(0),
            unit_price: Money::new(price, amount.currency),
            vat_code: item.vat_code,
            subject: item.subject,
            mode: PaymentMode::FullPrepayment,
        };
        [line(dearer, price + 1), line(quantity - dearer, price)]
            .into_iter()
            .filter(|line| line.quantity > 0 && line.unit_price.minor > 0)
    });
    Receipt { customer, lines: lines.collect(), tax_system: terms.tax_system }
}

/// `sum` shared out by `weights` (none below zero), to the last unit: rounded down, and what is
/// left over goes to the largest remainders. O(n log n).
fn shared(sum: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all == 0 {
        let first = |at| if at == 0 { sum } else { 0 };
        return (0..weights.len()).map(first).collect();
    }
    let exact = |weight: &i64| i128::from(*weight) * i128::from(sum);
    let mut shares: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(exact(weight) / all).unwrap_or(0)).collect();
    let left = sum - shares.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact(&weights[*at]) % all));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        shares[at] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, ProductId, RefundId, Uuid, VariantId};
    use proptest::prelude::*;

    use super::*;

    const TERMS: Receipts = Receipts { vat_code: 11, delivery_vat_code: 1, tax_system: Some(2) };

    fn line(position: i64, title: &str, unit_price: i64, quantity: i64) -> Line {
        Line {
            order_id: OrderId(Uuid::nil()),
            position,
            variant_id: VariantId(Uuid::nil()),
            product_id: ProductId(Uuid::nil()),
            sku: format!("S-{position}"),
            title: title.to_owned(),
            unit_price,
            quantity,
            line_total: unit_price * quantity,
            restocked: 0,
        }
    }

    fn totals(lines: &[Line], discount: i64, shipping: i64) -> Totals {
        let each = lines.iter().map(|line| orders::LineTotal {
            unit_price: Money::new(line.unit_price, Currency::EUR),
            quantity: line.quantity,
        });
        orders::add_up(Currency::EUR, each, discount, shipping, 0).unwrap()
    }

    fn said(receipt: &Receipt) -> Vec<(&str, u32, i64)> {
        let each = |line: &ReceiptLine| line.unit_price.minor;
        receipt.lines.iter().map(|it| (it.description.as_str(), it.quantity, each(it))).collect()
    }

    #[test]
    fn a_receipt_adds_up_to_what_is_paid() {
        let lines = [line(1, "Cup", 600, 2), line(2, "Pot", 1000, 3)];
        let plain = totals(&lines, 0, 490);
        let of = |totals: &Totals, amount| {
            of_order(TERMS, BuyerContact::default(), &lines, totals, amount)
        };
        let paid = of(&plain, Money::new(4690, Currency::EUR));
        assert_eq!(said(&paid), [("Cup", 2, 600), ("Pot", 3, 1000), ("Delivery", 1, 490)]);
        assert_eq!(paid.lines[0].vat_code, 11);
        assert_eq!((paid.lines[2].vat_code, paid.lines[2].subject), (1, PaymentSubject::Service));
        // A discount that does not divide, and another currency.
        let cheaper = totals(&lines, 100, 490);
        let paid = of(&cheaper, Money::new(4590, Currency::EUR));
        assert_eq!(
            said(&paid),
            [
                ("Cup", 1, 586),
                ("Cup", 1, 585),
                ("Pot", 1, 977),
                ("Pot", 2, 976),
                ("Delivery", 1, 490)
            ]
        );
    }

    #[test]
    fn p24_a_part_that_goes_back_has_a_receipt_of_its_own() {
        let lines = [line(1, "Cup", 600, 2), line(2, "Pot", 1000, 3)];
        let part = RefundLine {
            refund_id: RefundId(Uuid::nil()),
            position: 2,
            quantity: 2,
            amount: 2000,
            restocked: true,
        };
        let of = |parts: &[RefundLine], amount| {
            let nobody = BuyerContact::default();
            of_refund(TERMS, nobody, (&lines, parts), "7K3-M22", Money::new(amount, Currency::RUB))
        };
        assert_eq!(said(&of(&[part], 200_001)), [("Pot", 1, 100_001), ("Pot", 1, 100_000)]);
        assert_eq!(said(&of(&[], 123)), [("Order 7K3-M22", 1, 123)]);
    }

    proptest! {
        #[test]
        fn every_receipt_adds_up(
            goods in prop::collection::vec((1_i64..100_000, 1_i64..50), 1..20),
            discount in 0_i64..100_000,
            shipping in 0_i64..5_000,
            amount in 1_i64..1_000_000_000,
        ) {
            let lines: Vec<Line> =
                (1..).zip(&goods).map(|(at, (price, units))| line(at, "x", *price, *units)).collect();
            let totals = totals(&lines, discount, shipping);
            prop_assume!(totals.total > 0);
            let amount = Money::new(amount, Currency::RUB);
            let receipt = of_order(TERMS, BuyerContact::default(), &lines, &totals, amount);
            prop_assert_eq!(receipt.total().unwrap(), Some(amount));
            prop_assert!(receipt.lines.iter().all(|it| it.quantity > 0 && it.unit_price.minor > 0));
        }
    }
}
