//! `holdfast reconcile`

use std::process::ExitCode;

use flows::Shop;
use jobs::{Cashier, Compared};
use kernel::Env;
use payments::{Break, Fix};

use crate::cli;
use crate::config::Config;
use crate::running::{gateways_to_ask, open_database};

pub(super) async fn run(args: cli::Reconcile) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.settings)?;
    let (db, env) = (open_database(&config)?, Env::system());
    let gateways = gateways_to_ask(&config, &db, &env).await?;
    let names: Vec<&str> = gateways.iter().map(|gateway| gateway.name()).collect();
    let settings = config.settings(&names);
    let shop = Shop::open(db.clone(), env, settings).await?;
    // Nobody is sent anywhere by this command.
    let cashier = Cashier::new(shop, gateways, "http://127.0.0.1/".parse()?);
    let compared = cashier.compare_day(args.day).await?;
    if args.json {
        println!("{}", serde_json::to_string(&compared)?);
    } else {
        print!("{}", table(&compared));
    }
    if args.fix {
        for found in compared.iter().flat_map(|compared| &compared.breaks) {
            let came = cashier.mend(found).await?;
            let name = found.reference.as_deref().unwrap_or("without a reference");
            eprintln!("{} {name}: {came}", found.class);
        }
    }
    drop(cashier);
    db.close();
    let agree = compared.iter().all(|compared| compared.breaks.is_empty());
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A line for each gateway, and below it one for each difference with what to do about it.
fn table(all: &[Compared]) -> String {
    if all.is_empty() {
        return "No gateway of this shop shows its books.\n".to_owned();
    }
    all.iter().map(section).collect()
}

fn section(Compared { gateway, ours, theirs, breaks }: &Compared) -> String {
    let word = match breaks.len() {
        0 => "the books agree".to_owned(),
        1 => "1 difference".to_owned(),
        n => format!("{n} differences"),
    };
    let head = format!("{gateway}: {ours} payments here, {theirs} there: {word}.\n");
    std::iter::once(head).chain(breaks.iter().map(paragraph)).collect()
}

fn paragraph(found: &Break) -> String {
    let Break { class, ours, theirs, means, .. } = found;
    let reference = found.reference.as_deref().unwrap_or("-");
    let order = found.order_id.map_or(String::new(), |order| format!("    order {order}\n"));
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

#[cfg(test)]
mod tests {
    use payments::Class;

    use super::*;

    #[test]
    fn a_difference_says_what_it_means_and_what_to_do() {
        let found = Break {
            class: Class::Status,
            gateway: "sandbox".into(),
            reference: Some("pay_1".into()),
            attempt_id: None,
            order_id: None,
            ours: "awaiting_payer".into(),
            theirs: "captured".into(),
            means: "the gateway has the money, and we have not heard of it",
            fix: Fix::AskAgain,
        };
        let compared = Compared { gateway: "sandbox", ours: 2, theirs: 2, breaks: vec![found] };
        assert_eq!(
            table(&[compared]),
            "sandbox: 2 payments here, 2 there: 1 difference.\n  status         pay_1\n    \
             here: awaiting_payer   there: captured\n    the gateway has the money, and we have \
             not heard of it.\n    `--fix` asks the gateway about it again and takes in the \
             answer.\n"
        );
        assert!(table(&[]).starts_with("No gateway"));
    }
}
