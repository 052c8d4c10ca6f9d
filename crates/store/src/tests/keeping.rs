//! Events, keys and secrets.

use kernel::SignedDuration;

use super::*;
use crate::idempotency::{self, Answer, Key, Seen};
use crate::outbox::{self, Event};
use crate::secrets;

fn event(aggregate: u128, seq: i64, at: Timestamp) -> Event {
    let payload = r#"{"a": 1}"#.to_owned();
    Event { aggregate: Uuid::from_u128(aggregate), seq, kind: "thing.made", payload, at }
}

crate::on_both_engines! { SCHEMAS;
    async fn an_event_waits_until_it_is_handed_on(t: TestDb) {
        let now = env().now();
        let soon = now + SignedDuration::from_secs(5);
        t.db.write(move |tx| {
            outbox::add(tx, &[event(2, 1, now), event(1, 1, now), event(1, 2, soon)])
        })
        .await
        .unwrap();
        let due = |at| t.db.read(move |read| outbox::due(read, at, 10));
        let first = due(now).await.unwrap();
        let names: Vec<_> = first.iter().map(|e| (e.aggregate.as_u128(), e.seq)).collect();
        assert_eq!(names, [(1, 1), (2, 1)]);
        assert_eq!((first[0].kind.as_str(), first[0].tries), ("thing.made", 0));
        let facts: serde_json::Value = serde_json::from_str(&first[0].payload).unwrap();
        assert_eq!(facts, serde_json::json!({"a": 1}));

        let (one, two) = (first[0].clone(), first[1].clone());
        t.db.write(move |tx| {
            outbox::delivered(tx, std::slice::from_ref(&one), now)?;
            outbox::failed(tx, &two, soon, None)
        })
        .await
        .unwrap();
        assert!(due(now).await.unwrap().is_empty(), "one is gone, one comes later");
        let later = due(soon).await.unwrap();
        assert_eq!(later.iter().map(|e| (e.seq, e.tries)).collect::<Vec<_>>(), [(2, 0), (1, 1)]);
        assert_eq!(t.db.read(outbox::waiting).await.unwrap(), 2);
        t.db.write(move |tx| outbox::failed(tx, &later[1], soon, Some("nobody can read it")))
            .await
            .unwrap();
        assert_eq!(t.db.read(outbox::waiting).await.unwrap(), 1, "the dead do not wait");
    }

    async fn an_event_has_one_place_and_one_handling(t: TestDb) {
        let now = env().now();
        t.db.write(move |tx| outbox::add(tx, &[event(1, 1, now)])).await.unwrap();
        let twice = t.db.write(move |tx| outbox::add(tx, &[event(1, 1, now)])).await;
        assert!(matches!(twice, Err(Fault::Constraint(_))));
        let zero = t.db.write(move |tx| outbox::add(tx, &[event(1, 0, now)])).await;
        assert!(matches!(zero, Err(Fault::Constraint(_))));
        let handled = t.db.write(move |tx| {
            let due = outbox::due(tx, now, 1)?;
            Ok::<_, Fault>([
                outbox::handled(tx, &due[0], "mail", now)?,
                outbox::handled(tx, &due[0], "mail", now)?,
                outbox::handled(tx, &due[0], "journal", now)?,
            ])
        });
        assert_eq!(handled.await.unwrap(), [true, false, true]);
    }

    async fn a_key_remembers_its_request_and_its_answer(t: TestDb) {
        let env = env();
        let (now, whose): (_, Uuid) = (env.now(), env.id());
        let key = |route, text: &str, body: &[u8]| Key::new(whose, route, text.into(), body);
        let seen = |key: Key| t.db.read(move |read| idempotency::seen(read, &key));
        let keep = |key: Key| {
            let answer = Answer { status: 201, body: "{}".into() };
            t.db.write(move |tx| idempotency::keep(tx, &key, &answer, now))
        };
        let first = key("pay", "k", b"body");
        assert_eq!(first.fingerprint.len(), 64);
        assert_eq!(seen(first.clone()).await.unwrap(), Seen::Never);
        keep(first.clone()).await.unwrap();
        let answer = Answer { status: 201, body: "{}".into() };
        assert_eq!(seen(first.clone()).await.unwrap(), Seen::Answered(answer));
        assert_eq!(seen(key("pay", "k", b"other")).await.unwrap(), Seen::OtherRequest);
        assert_eq!(seen(key("cancel", "k", b"body")).await.unwrap(), Seen::Never);
        let foreign = Key { scope: env.id(), ..first.clone() };
        assert_eq!(seen(foreign).await.unwrap(), Seen::Never);
        assert!(matches!(keep(first.clone()).await, Err(Fault::Constraint(_))));
        let forget = |before| t.db.write(move |tx| idempotency::forget(tx, before));
        assert_eq!(forget(now).await.unwrap(), 0);
        assert_eq!(forget(now + SignedDuration::from_secs(1)).await.unwrap(), 1);
        assert_eq!(seen(first).await.unwrap(), Seen::Never);
    }

    async fn a_secret_is_made_once(t: TestDb) {
        let env = env();
        let (a, b, other) = tokio::join!(
            secrets::get_or_make(&t.db, &env, "quote"),
            secrets::get_or_make(&t.db, &env, "quote"),
            secrets::get_or_make(&t.db, &env, "other"),
        );
        let (a, b, other) = (a.unwrap(), b.unwrap(), other.unwrap());
        assert!(a == b && a != other && a != [0; 32]);
        assert_eq!(secrets::get_or_make(&t.db, &env, "quote").await.unwrap(), a);
    }
}
