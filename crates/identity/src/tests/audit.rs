//! The audit log is a chain that nothing is taken out of.

use store::Tx;

use super::world;
use crate::audit::{self, Entry, Filter};

store::sql! {
    query COOKED { "update audit set outcome = 'done' where seq = 1" }
    query BURNT { "delete from audit where seq = 1" }
}

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn many_who_write_at_once_make_one_chain(t: TestDb) {
        let (env, _, _) = world();
        let writers: Vec<_> = (0..24)
            .map(|number| {
                let (db, env) = (t.db.clone(), env.clone());
                tokio::spawn(async move {
                    let entry = Entry::noted(&env, None, "tried", number.to_string());
                    audit::write(&db, &env, entry).await
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        let lines = t.db.read(|read| audit::following(read, 0, 100)).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), (1..=24).collect::<Vec<_>>());
        for pair in lines.windows(2) {
            assert_eq!(pair[1].previous, pair[0].hash);
        }
        let filter = Filter { object: Some("7".into()), ..Filter::default() };
        let found = t.db.read(move |read| audit::page(read, &filter, 10)).await.unwrap();
        assert_eq!(found.len(), 1);
    }

    async fn nothing_is_altered_or_taken_away(t: TestDb) {
        let (env, _, _) = world();
        audit::write(&t.db, &env, Entry::noted(&env, None, "tried", String::new())).await.unwrap();
        for wrong in [
            |tx: &mut Tx<'_>| tx.execute(&COOKED, &[]),
            |tx: &mut Tx<'_>| tx.execute(&BURNT, &[]),
        ] {
            let refused = t.db.write(wrong).await.unwrap_err().to_string();
            assert!(refused.contains("append only"), "{refused}");
        }
    }
}
