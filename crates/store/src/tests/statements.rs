//! Values, rows and the set verbs.

use kernel::{SignedDuration, VariantId};

use super::*;
use crate::{Json, Value};

type Whole =
    (i64, Option<String>, Option<bool>, Option<Timestamp>, Option<Vec<u8>>, Option<Json<Vec<i64>>>);

crate::on_both_engines! { SCHEMAS;
    async fn every_kind_of_value_comes_back(t: TestDb) {
        let env = env();
        let (full, empty): (Uuid, Uuid) = (env.id(), env.id());
        let at = env.now() + SignedDuration::from_micros(123_456);
        t.db.write(move |tx| {
            let raw: &[u8] = &[0, 255, 7];
            tx.execute(&ADD_WHOLE, &[&full, &i64::MIN, &"Łódź '\"", &true, &at, &raw, &"[1, 2]"])?;
            let none: Option<String> = None;
            let (no, never): (Option<bool>, Option<Timestamp>) = (None, None);
            let bytes: Option<Vec<u8>> = None;
            tx.execute(&ADD_WHOLE, &[&empty, &0_i64, &none, &no, &never, &bytes, &none])
        })
        .await
        .unwrap();
        let rows = t.db.read(move |read| {
            Ok::<_, Fault>([full, empty].map(|id| read.row::<Whole>(&WHOLE, &[&id])))
        });
        let [full, empty] = rows.await.unwrap();
        let raw = Some(vec![0, 255, 7]);
        let word = Some("Łódź '\"".to_owned());
        let whole = (i64::MIN, word, Some(true), Some(at), raw, Some(Json(vec![1, 2])));
        assert_eq!(full.unwrap(), Some(whole));
        assert_eq!(empty.unwrap(), Some((0, None, None, None, None, None)));
    }

    async fn a_column_that_holds_something_else_is_a_fault(t: TestDb) {
        add_one(&t.db, 5).await.unwrap();
        let read = t.db.read(|read| read.rows::<(String,)>(&ALL_NUMBERS, &[])).await;
        assert!(matches!(read, Err(Fault::Broken(_))), "{read:?}");
        assert_eq!(numbers(&t.db).await, [5], "the next read is a new one");
    }

    async fn sets_are_written_and_found_by_key(t: TestDb) {
        let ids: Vec<VariantId> = (1..=5_u128).map(|n| VariantId(Uuid::from_u128(n))).collect();
        let rows: Vec<(VariantId, i64)> = ids.iter().copied().zip(10..).collect();
        let none: Option<String> = None;
        t.db.write(move |tx| {
            let bind = |(id, n): &(VariantId, i64)| [Value::Uuid(id.0), Value::Int(*n), Value::Null];
            tx.insert_many(&ADD_MANY, &rows, bind)?;
            tx.insert_many(&ADD_MANY, &[], bind)?;
            tx.update_many(&SET_MANY, &rows[..2], |(id, n)| {
                [id.value(), Value::Int(n * 2), none.value()]
            })?;
            tx.delete_many(&REMOVE_MANY, &rows[4..], |(id, n)| [id.value(), n.value()])
        })
        .await
        .unwrap();
        assert_eq!(numbers(&t.db).await, [12, 13, 20, 22]);

        let asked = [ids[3], ids[0], ids[4], ids[3], ids[0]];
        let found = t.db.read(move |read| read.rows_by_key::<(Uuid, i64), _>(&NUMBERS_OF, asked));
        // A reader may not lock; the lane does.
        if t.db.engine() == crate::EngineKind::Sqlite {
            let found: Vec<i64> = found.await.unwrap().into_iter().map(|(_, n)| n).collect();
            assert_eq!(found, [20, 13], "each once, in ascending order");
        }
        let found = t.db.write_lane(move |tx| {
            let nothing: [Uuid; 0] = [];
            assert!(tx.rows_by_key::<(Uuid, i64), _>(&NUMBERS_OF, nothing)?.is_empty());
            tx.rows_by_key::<(Uuid, i64), _>(&NUMBERS_OF, asked)
        });
        let found: Vec<i64> = found.await.unwrap().into_iter().map(|(_, n)| n).collect();
        assert_eq!(found, [20, 13], "each once, in ascending order");
    }

    async fn a_set_that_is_not_all_there_is_a_fault(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        let rows = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let set = t.db.write(move |tx| {
            tx.update_many(&SET_MANY, &rows, |id| [id.value(), Value::Int(7), Value::Null])
        });
        assert!(matches!(set.await, Err(Fault::Broken(_))));
        let gone = t.db.write(move |tx| {
            tx.delete_many(&REMOVE_MANY, &rows, |id| [id.value(), Value::Int(1)])
        });
        assert!(matches!(gone.await, Err(Fault::Broken(_))));
        assert_eq!(numbers(&t.db).await, [1], "and nothing of it is kept");
    }

    async fn a_set_that_breaks_a_rule_tells_which_and_keeps_nothing(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        let written = t.db.write_lane(|tx| {
            let bind = |n: &i64| [Value::Uuid(Uuid::from_u128(7)), Value::Int(*n), Value::Null];
            tx.insert_many(&ADD_MANY, &[1_000_000], bind)?;
            // Whether or not the first has been answered by now: it is the one to hear of.
            tx.insert_many(&ADD_MANY, &[8], bind)?;
            tx.row::<(Uuid, i64)>(&FIND_LATE, &[&Uuid::from_u128(1)])
        });
        let fault = written.await.unwrap_err();
        assert!(
            matches!(&fault, Fault::Constraint(rule) if rule.contains("things_n_is_small")),
            "{fault:?}"
        );
        let alone = t.db.write_lane(|tx| {
            let bind = |n: &i64| [Value::Uuid(Uuid::from_u128(7)), Value::Int(*n), Value::Null];
            tx.insert_many(&ADD_MANY, &[1_000_000], bind)
        });
        assert!(matches!(alone.await, Err(Fault::Constraint(_))), "also with the commit");
        assert_eq!(numbers(&t.db).await, [1], "and the connection goes on");
    }

    async fn questions_asked_together_are_answered_in_any_order(t: TestDb) {
        for n in 1..=3 {
            add_one(&t.db, n).await.unwrap();
        }
        let read = t.db.read(|read| {
            let all = read.ask::<(i64,)>(&ALL_NUMBERS, &[])?;
            let nobody_wants = read.ask::<(i64,)>(&COUNT, &[])?;
            let count = read.ask::<(i64,)>(&COUNT, &[])?;
            drop(nobody_wants);
            let count = count.one(read)?;
            Ok::<_, Fault>((all.answer(read)?, count))
        });
        assert_eq!(read.await.unwrap(), (vec![(1,), (2,), (3,)], Some((3,))));
        add_one(&t.db, 4).await.unwrap();
        assert_eq!(numbers(&t.db).await, [1, 2, 3, 4], "the next snapshot is a new one");
    }

    async fn every_statement_of_the_store_is_taken(t: TestDb) {
        let all = crate::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert_eq!(all, crate::sql::ALL.len() + ALL.len());
    }
}
