//! Tokens, how long they last and when they are asked for.

use kernel::{Fault, SignedDuration};

use super::{CHEAP, PASSWORD, ada, world};
use crate::{CACHED_FOR, IDLE_FOR_MAX, Identity, LASTS_FOR_MAX, forget_expired};

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn a_session_ends_when_it_is_not_used(t: TestDb) {
        let (env, clock, identity) = world();
        let token = ada(&t.db, &env, &identity).await.token;
        clock.advance(IDLE_FOR_MAX - SignedDuration::from_secs(1));
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some());
        clock.advance(IDLE_FOR_MAX - SignedDuration::from_secs(1));
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some(), "use moved it on");
        clock.advance(IDLE_FOR_MAX);
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_none());
    }

    async fn a_session_ends_however_much_it_is_used(t: TestDb) {
        let (env, clock, identity) = world();
        let token = ada(&t.db, &env, &identity).await.token;
        let step = SignedDuration::from_hours(24);
        for _ in 0..29 {
            clock.advance(step);
            assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some());
        }
        clock.advance(step - SignedDuration::from_secs(1));
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some());
        clock.advance(SignedDuration::from_secs(1));
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_none(), "also when known");
        let env = env.clone();
        let forgotten = t.db.write(move |tx| forget_expired(tx, &env)).await.unwrap();
        assert_eq!(forgotten, 1);
        assert_eq!(step * 30, LASTS_FOR_MAX);
    }

    async fn a_known_token_is_not_asked_for_again(t: TestDb) {
        let (env, clock, identity) = world();
        let token = ada(&t.db, &env, &identity).await.token;
        let first = identity.sessions.who(&t.db, &token).await.unwrap();
        t.injector.fail_statement(1);
        for _ in 0..3 {
            assert_eq!(identity.sessions.who(&t.db, &token).await.unwrap(), first);
        }
        clock.advance(CACHED_FOR);
        let asked = identity.sessions.who(&t.db, &token).await;
        assert!(matches!(asked, Err(Fault::Unavailable(_))), "asked again after a second");
        assert_eq!(identity.sessions.who(&t.db, &token).await.unwrap(), first);
    }

    async fn a_session_is_extended_even_if_it_cannot_be_written(t: TestDb) {
        let (env, clock, identity) = world();
        let token = ada(&t.db, &env, &identity).await.token;
        clock.advance(SignedDuration::from_hours(2));
        t.injector.fail_statement(2);
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some());
        assert!(!t.injector.calm(), "the second statement was the one that failed");
    }

    async fn a_session_ended_elsewhere_is_accepted_for_a_second(t: TestDb) {
        let (env, clock, identity) = world();
        let elsewhere = Identity::new(CHEAP, &env).unwrap();
        let token = ada(&t.db, &env, &identity).await.token;
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_some());
        elsewhere.sign_out(&t.db, &token).await.unwrap();
        assert!(elsewhere.sessions.who(&t.db, &token).await.unwrap().is_none());
        clock.advance(CACHED_FOR);
        assert!(identity.sessions.who(&t.db, &token).await.unwrap().is_none());
    }

    async fn signing_out_beats_requests_under_way(t: TestDb) {
        let (env, clock, identity) = world();
        ada(&t.db, &env, &identity).await;
        for _ in 0..20 {
            let signed_in = identity.sign_in(&t.db, &env, "ada@example.org", PASSWORD.into());
            let token = signed_in.await.unwrap().token;
            let asking: Vec<_> = (0..8)
                .map(|_| {
                    let (db, sessions) = (t.db.clone(), identity.sessions.clone());
                    let token = token.clone();
                    tokio::spawn(async move { sessions.who(&db, &token).await.unwrap() })
                })
                .collect();
            identity.sign_out(&t.db, &token).await.unwrap();
            assert_eq!(identity.sessions.who(&t.db, &token).await.unwrap(), None);
            for asked in asking {
                asked.await.unwrap();
            }
            assert_eq!(identity.sessions.who(&t.db, &token).await.unwrap(), None);
            clock.advance(CACHED_FOR);
        }
    }

    async fn what_is_no_token_is_nobody(t: TestDb) {
        let (env, _, identity) = world();
        let token = ada(&t.db, &env, &identity).await.token;
        let mut other = token.clone();
        let last = if other.ends_with('A') { 'B' } else { 'A' };
        other.pop();
        other.push(last);
        let long = token.repeat(1000);
        for nobody in ["", "x", "\0", &other, &token[1..], &long] {
            assert_eq!(identity.sessions.who(&t.db, nobody).await.unwrap(), None);
            identity.sign_out(&t.db, nobody).await.unwrap();
        }
    }
}
