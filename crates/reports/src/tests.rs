//! A legal life on which nothing is found, and for every invariant what it must find.

mod life;
mod plants;

use kernel::SignedDuration;

use crate::verify;
use flows::SCHEMAS;
use life::Life;

const GRACE: SignedDuration = SignedDuration::from_secs(60);

store::on_both_engines! { SCHEMAS;
    async fn a_legal_life_has_no_violation(t: TestDb) {
        let life = Life::of(&t.db).await;
        let report = verify(&t.db, life.now, GRACE).await.unwrap();
        assert_eq!(report.violations, 0, "{report}");
        assert_eq!(report.checked, crate::invariants::ALL.len());
    }

    async fn what_is_late_is_found_after_the_grace(t: TestDb) {
        let life = Life::of(&t.db).await;
        let ends = life.cart_hold_ends;
        let later = |seconds| ends + SignedDuration::from_secs(seconds);
        let report = verify(&t.db, later(59), GRACE).await.unwrap();
        assert_eq!(report.violations, 0, "{report}");
        let report = verify(&t.db, later(61), GRACE).await.unwrap();
        let late: Vec<_> = report.invariants.iter().filter(|found| found.violations > 0).collect();
        assert_eq!((late.len(), late[0].name), (1, "I06_no_stale_cart_hold"), "{report}");
        assert_eq!(late[0].rows, [life.cart.to_string()]);
    }

    async fn every_statement_is_taken(t: TestDb) {
        let own = store::testing::prepare_all(&t.db, &[&crate::SCHEMA]).await.unwrap();
        assert_eq!(own, crate::sql::ALL.len());
        let all = store::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert_eq!(all, SCHEMAS.iter().map(|schema| schema.statements.len()).sum::<usize>());
    }

    async fn looking_writes_nothing(t: TestDb) {
        let life = Life::of(&t.db).await;
        let before = t.dump().await.unwrap();
        verify(&t.db, life.now, GRACE).await.unwrap();
        assert_eq!(before, t.dump().await.unwrap());
    }
}

#[test]
fn the_lifecycle_is_that_of_the_orders() {
    let mut table: Vec<String> =
        orders::State::steps().iter().map(|(from, to)| format!("'{from}>{to}'")).collect();
    let all = orders::State::steps().iter().flat_map(|(from, to)| [*from, *to]);
    table.extend(all.filter(|state| state.may_be_first()).map(|to| format!("'new>{to}'")));
    let mut here: Vec<String> =
        crate::words::LEGAL.split(", ").map(|step| step.trim().into()).collect();
    table.sort_unstable();
    table.dedup();
    here.sort_unstable();
    assert_eq!(here, table);
}

#[test]
fn p27_coins_are_those_of_the_kernel() {
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| (a, b, c))));
    for (a, b, c) in codes {
        let code = format!("{a}{b}{c}");
        let listed = crate::words::DIGITS.iter().find(|(_, list)| list.contains(&code));
        let digits = code.parse::<kernel::Currency>().unwrap().digits();
        assert_eq!(listed.map_or(2, |(digits, _)| *digits), digits, "{code}");
    }
}

#[test]
fn every_statement_has_its_invariant() {
    let names: std::collections::BTreeSet<_> =
        crate::invariants::ALL.iter().map(|invariant| invariant.name).collect();
    assert_eq!(names.len(), crate::sql::ALL.len(), "one name for each statement");
    assert!(crate::invariants::ALL.iter().all(|invariant| invariant.says.ends_with('.')));
}

#[test]
fn people_and_programs_can_read_it() {
    use crate::{Finding, Report};
    let well = Finding { name: "I01_a", says: "It is well.", violations: 0, rows: vec![] };
    let rows = vec!["here".to_owned()];
    let ill = Finding { name: "I02_long", says: "It is ill.", violations: 3, rows };
    let report = Report { checked: 2, violations: 3, invariants: vec![well, ill] };
    assert_eq!(
        report.to_string(),
        "holds   I01_a     It is well.\n\
         BROKEN  I02_long  It is ill.\n          here\n          and 2 more\n\
         2 invariants checked: 3 violations.\n"
    );
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        serde_json::json!({
            "checked": 2,
            "violations": 3,
            "invariants": [
                {"name": "I01_a", "says": "It is well.", "violations": 0, "rows": []},
                {"name": "I02_long", "says": "It is ill.", "violations": 3, "rows": ["here"]},
            ],
        })
    );
}
