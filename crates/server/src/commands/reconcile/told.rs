//! The report for people.

use std::fmt::Write as _;

use jobs::Compared;
use payments::{Break, Concern, Fix};

use super::Report;

/// A line for each gateway, below it a paragraph for each difference with what to do about it, and
/// at the end what waits for a person.
pub(super) fn table(report: &Report) -> String {
    let mut text = if report.gateways.is_empty() {
        "No gateway of this shop shows its books.\n".to_owned()
    } else {
        format!("The books of {}\n\n", report.day)
    };
    let mut mended = report.mended.iter().flatten();
    for compared in &report.gateways {
        text.push_str(&head(compared));
        for found in &compared.breaks {
            text.push_str(&paragraph(found));
            if let Some(mended) = mended.next() {
                let _ = writeln!(text, "    → {}", mended.did);
            }
        }
        text.push('\n');
    }
    if !report.waiting.is_empty() {
        let _ = writeln!(text, "Waiting for a person: {}\n", report.waiting.len());
        report.waiting.iter().for_each(|concern| text.push_str(&waits(concern)));
    }
    text
}

fn head(Compared { gateway, ours, theirs, refunds, breaks }: &Compared) -> String {
    let word = match breaks.len() {
        0 => "the books agree".to_owned(),
        1 => "1 difference".to_owned(),
        n => format!("{n} differences"),
    };
    format!("{gateway}: {ours} payments here, {theirs} there, {refunds} refunds: {word}.\n")
}

fn paragraph(found: &Break) -> String {
    let Break { class, ours, theirs, means, .. } = found;
    let reference = found.reference.as_deref().unwrap_or("-");
    let refund = found.refund_id.map_or(String::new(), |refund| format!(", refund {refund}"));
    let order =
        found.order_id.map_or(String::new(), |order| format!("    order {order}{refund}\n"));
    format!(
        "  {class:<14} {reference}\n    here: {ours}   there: {theirs}\n    {means}.\n    {}.\n{order}",
        advice(found.fix)
    )
}

fn advice(fix: Fix) -> String {
    let mut says = fix.says().to_owned();
    if let Some(first) = says.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    says
}

fn waits(concern: &Concern) -> String {
    let Concern { why, gateway, matter, since, .. } = concern;
    let reference = concern.reference.as_deref().unwrap_or("-");
    let amount = concern.amount.map_or(String::new(), |amount| format!("  {amount}"));
    let order = concern.order_id.map_or(String::new(), |order| format!("    order {order}\n"));
    format!("  {why:<10} {gateway} {reference}{amount}  since {since:.0}\n    {matter}.\n{order}")
}

#[cfg(test)]
mod tests {
    use payments::Class;

    use super::*;

    fn difference() -> Break {
        Break {
            class: Class::Status,
            gateway: "sandbox".into(),
            reference: Some("pay_1".into()),
            attempt_id: None,
            order_id: None,
            refund_id: None,
            ours: "awaiting_payer".into(),
            theirs: "captured".into(),
            means: "the gateway has the money, and we have not heard of it",
            fix: Fix::AskAgain,
            fee: None,
            given_back: None,
        }
    }

    #[test]
    fn a_difference_says_what_it_means_and_what_to_do() {
        let breaks = vec![difference()];
        let compared = Compared { gateway: "sandbox", ours: 2, theirs: 2, refunds: 0, breaks };
        let day = "2027-01-15".parse().unwrap();
        let report = Report { day, gateways: vec![compared], mended: None, waiting: Vec::new() };
        assert_eq!(
            table(&report),
            "The books of 2027-01-15\n\nsandbox: 2 payments here, 2 there, 0 refunds: 1 \
             difference.\n  status         pay_1\n    here: awaiting_payer   there: captured\n    \
             the gateway has the money, and we have not heard of it.\n    `--fix` asks the \
             gateway about it again and takes in the answer.\n\n"
        );
        let none = Report { day, gateways: Vec::new(), mended: None, waiting: Vec::new() };
        assert!(table(&none).starts_with("No gateway"));
    }
}
