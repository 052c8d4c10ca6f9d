//! Pairs of tokens: how they follow each other, end, and are ended on other nodes.

use std::sync::Arc;

use kernel::{Env, Error, Fault, ManualClock, SignedDuration};
use store::Break;
use store::Db;
use store::testing::TestDb;

use super::{CHEAP, PASSWORD, ada, form, refusal, world};
use crate::{
    ACCESS_LASTS, ASKED_AGAIN, Device, Holder, IDLE_FOR_MAX, Identity, LASTS_FOR_MAX, LOOKED_FOR,
    OLD_MAX, Role, SignInRefusal, TRIES_FREE, TRIES_MAX, TRIES_WAIT_MAX, TokenPair, TokenRefusal,
    forgive_tries, places, rotate_keys,
};

const ISSUER: &str = "https://shop.example/";
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A shop's identity, and another node's.
fn nodes() -> (Env, Arc<ManualClock>, Identity, Identity) {
    let (env, clock, identity) = world();
    let elsewhere = Identity::new(CHEAP, &env).unwrap();
    identity.tokens.issued_by(ISSUER);
    elsewhere.tokens.issued_by(ISSUER);
    (env, clock, identity, elsewhere)
}

async fn sign_in(db: &Db, env: &Env, identity: &Identity, login: &str) -> TokenPair {
    let signed = identity.sign_in(db, env, login, PASSWORD.into()).await.unwrap();
    identity.hand_tokens(db, env, &signed, Device::default()).await.unwrap()
}

async fn adas(db: &Db, env: &Env, identity: &Identity) -> TokenPair {
    let signed = ada(db, env, identity).await;
    identity.hand_tokens(db, env, &signed, Device::default()).await.unwrap()
}

async fn holder(identity: &Identity, db: &Db, pair: &TokenPair) -> Option<Holder> {
    identity.tokens.holder(db, &pair.token).await.unwrap()
}

async fn refresh(t: &TestDb, env: &Env, identity: &Identity, token: &str) -> Option<TokenPair> {
    match identity.refresh(&t.db, env, token).await {
        Ok(pair) => Some(pair),
        Err(Error::Refused(TokenRefusal::TokenInvalid)) => None,
        Err(Error::Fault(fault)) => panic!("{fault}"),
    }
}

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn a_token_is_good_for_a_quarter_of_an_hour_and_asks_nobody(t: TestDb) {
        let (env, clock, identity, _) = nodes();
        let pair = adas(&t.db, &env, &identity).await;
        t.injector.fail_statement(1);
        let who = holder(&identity, &t.db, &pair).await.unwrap();
        assert_eq!((who.role, who.session_id), (Role::Customer, pair.session_id));
        assert_eq!(holder(&identity, &t.db, &pair).await, Some(who));
        assert!(t.injector.calm(), "no statement was sent");
        clock.advance(ACCESS_LASTS - SECOND);
        assert_eq!(holder(&identity, &t.db, &pair).await, Some(who));
        clock.advance(SECOND);
        assert_eq!(holder(&identity, &t.db, &pair).await, None);
        clock.advance(-SECOND);
        assert_eq!(holder(&identity, &t.db, &pair).await, Some(who), "by the clock, whichever way");
    }

    async fn other_tokens_are_nobodys(t: TestDb) {
        let (env, _, identity, _) = nodes();
        let pair = adas(&t.db, &env, &identity).await;
        let page = identity.sign_in(&t.db, &env, "ada@example.org", PASSWORD.into()).await.unwrap();
        let secret = pair.refresh_token.split_once('.').unwrap().1.to_owned();
        for token in [&pair.refresh_token, &secret, &page.token, "", &"x.".repeat(40_000)] {
            assert_eq!(identity.tokens.holder(&t.db, token).await.unwrap(), None, "{token}");
        }
        for token in [&pair.token, &pair.refresh_token, &secret] {
            let who = identity.sessions.who(&t.db, token).await.unwrap();
            assert_eq!(who, None, "no cookie");
        }
        for token in [&pair.token, &page.token, &secret, "", ".", "\0.\0"] {
            assert!(refresh(&t, &env, &identity, token).await.is_none());
        }
        let other_shop = Identity::new(CHEAP, &env).unwrap();
        other_shop.tokens.issued_by("https://other.example/");
        assert_eq!(holder(&other_shop, &t.db, &pair).await, None);
        assert!(holder(&identity, &t.db, &pair).await.is_some());
    }

    async fn a_refresh_token_is_good_once(t: TestDb) {
        let (env, clock, identity, elsewhere) = nodes();
        let first = adas(&t.db, &env, &identity).await;
        let second = refresh(&t, &env, &elsewhere, &first.refresh_token).await.unwrap();
        assert_ne!(second.refresh_token, first.refresh_token);
        assert_eq!(second.session_id, first.session_id);
        clock.advance(ASKED_AGAIN - SECOND);
        let again = refresh(&t, &env, &identity, &first.refresh_token).await.unwrap();
        assert_eq!(again.refresh_token, second.refresh_token, "a lost answer is given again");
        let third = refresh(&t, &env, &identity, &second.refresh_token).await.unwrap();
        assert!(holder(&identity, &t.db, &third).await.is_some());
        // Whoever has the first one has stolen it, or was stolen from.
        assert!(refresh(&t, &env, &identity, &first.refresh_token).await.is_none());
        for pair in [&first, &second, &third] {
            assert_eq!(holder(&identity, &t.db, pair).await, None);
            assert!(refresh(&t, &env, &identity, &pair.refresh_token).await.is_none());
        }
        clock.advance(LOOKED_FOR);
        assert_eq!(holder(&elsewhere, &t.db, &third).await, None);
    }

    async fn one_that_was_followed_ends_the_session_when_it_comes_late(t: TestDb) {
        let (env, clock, identity, _) = nodes();
        let first = adas(&t.db, &env, &identity).await;
        let second = refresh(&t, &env, &identity, &first.refresh_token).await.unwrap();
        clock.advance(ASKED_AGAIN);
        assert!(refresh(&t, &env, &identity, &first.refresh_token).await.is_none());
        assert!(refresh(&t, &env, &identity, &second.refresh_token).await.is_none());
    }

    async fn refreshed_many_times_at_once_there_is_one_that_goes_on(t: TestDb) {
        let (env, clock, identity, elsewhere) = nodes();
        let mut pair = adas(&t.db, &env, &identity).await;
        for _ in 0..5 {
            let asking: Vec<_> = (0..8)
                .map(|i| {
                    let node = if i % 2 == 0 { identity.clone() } else { elsewhere.clone() };
                    let (db, env, token) = (t.db.clone(), env.clone(), pair.refresh_token.clone());
                    tokio::spawn(async move { node.refresh(&db, &env, &token).await.unwrap() })
                })
                .collect();
            let mut next: Option<TokenPair> = None;
            for asked in asking {
                let got = asked.await.unwrap();
                if let Some(next) = &next {
                    assert_eq!(next.refresh_token, got.refresh_token);
                }
                next = Some(got);
            }
            pair = next.unwrap();
            clock.advance(ASKED_AGAIN);
        }
    }

    async fn a_break_at_any_call_of_a_refresh_loses_nothing(t: TestDb) {
        let (env, _, identity, _) = nodes();
        let mut pair = adas(&t.db, &env, &identity).await;
        identity.refresh(&t.db, &env, &pair.refresh_token).await.unwrap();
        pair = sign_in(&t.db, &env, &identity, "ada@example.org").await;
        let mut broken = 0;
        for how in [Break::Before, Break::After] {
            for nth in 1.. {
                t.injector.break_call(nth, how);
                let asked = identity.refresh(&t.db, &env, &pair.refresh_token).await;
                let waiting = t.injector.calm();
                match asked {
                    Err(Error::Fault(Fault::Unavailable(_))) => broken += 1,
                    Ok(next) if waiting => {
                        pair = next;
                        break;
                    }
                    other => panic!("{other:?}"),
                }
                // Asked again with the same token, as whoever heard nothing does.
                pair = refresh(&t, &env, &identity, &pair.refresh_token).await.unwrap();
            }
        }
        assert!(broken >= 4, "{broken}");
    }

    async fn a_session_of_tokens_ends_when_it_is_idle_and_after_a_month(t: TestDb) {
        let (env, clock, identity, _) = nodes();
        let mut pair = adas(&t.db, &env, &identity).await;
        let idle = sign_in(&t.db, &env, &identity, "ada@example.org").await;
        let began = env.now();
        while env.now().duration_since(began) < LASTS_FOR_MAX - SignedDuration::from_hours(240) {
            clock.advance(SignedDuration::from_hours(240));
            pair = refresh(&t, &env, &identity, &pair.refresh_token).await.unwrap();
        }
        assert!(refresh(&t, &env, &identity, &idle.refresh_token).await.is_none());
        assert_eq!(pair.refresh_expires_at.duration_since(began), LASTS_FOR_MAX);
        let left = pair.refresh_expires_at.duration_since(env.now());
        clock.advance(left - SECOND);
        let last = refresh(&t, &env, &identity, &pair.refresh_token).await.unwrap();
        assert!(last.expires_at <= pair.refresh_expires_at, "no token outlives its session");
        clock.advance(SECOND);
        assert_eq!(holder(&identity, &t.db, &last).await, None);
        assert!(refresh(&t, &env, &identity, &last.refresh_token).await.is_none());
        assert!(IDLE_FOR_MAX > SignedDuration::from_hours(240));
    }

    async fn what_is_ended_is_ended_here_at_once_and_there_within_a_second(t: TestDb) {
        let (env, clock, identity, elsewhere) = nodes();
        let page = ada(&t.db, &env, &identity).await;
        let first = sign_in(&t.db, &env, &identity, "ada@example.org").await;
        let second = sign_in(&t.db, &env, &identity, "ada@example.org").await;
        let other = identity.register(&t.db, &env, form("eve@example.org")).await.unwrap();
        let other = identity.hand_tokens(&t.db, &env, &other, Device::default()).await.unwrap();
        for node in [&identity, &elsewhere] {
            assert!(holder(node, &t.db, &first).await.is_some());
            assert!(node.sessions.who(&t.db, &page.token).await.unwrap().is_some());
        }
        let (ada, eve) = (page.account.id, holder(&identity, &t.db, &other).await.unwrap());
        let foreign = identity.end_session(&t.db, &env, eve.account_id, first.session_id);
        assert!(!foreign.await.unwrap(), "not theirs");
        assert!(identity.end_session(&t.db, &env, ada, first.session_id).await.unwrap());
        assert!(!identity.end_session(&t.db, &env, ada, first.session_id).await.unwrap());
        assert_eq!(holder(&identity, &t.db, &first).await, None);
        assert!(holder(&identity, &t.db, &second).await.is_some());
        identity.end_all_sessions(&t.db, &env, ada).await.unwrap();
        assert_eq!(holder(&identity, &t.db, &second).await, None);
        assert_eq!(identity.sessions.who(&t.db, &page.token).await.unwrap(), None);
        clock.advance(LOOKED_FOR);
        for pair in [&first, &second] {
            assert_eq!(holder(&elsewhere, &t.db, pair).await, None);
            assert!(refresh(&t, &env, &elsewhere, &pair.refresh_token).await.is_none());
        }
        assert_eq!(elsewhere.sessions.who(&t.db, &page.token).await.unwrap(), None);
        assert!(holder(&elsewhere, &t.db, &other).await.is_some());
        // A node that starts later knows it too, and nothing is kept for ever.
        let later = Identity::new(CHEAP, &env).unwrap();
        later.tokens.issued_by(ISSUER);
        assert_eq!(holder(&later, &t.db, &second).await, None);
        let now = env.now();
        let left = t.db.read(move |read| places(read, ada, now)).await.unwrap();
        assert_eq!(left, []);
    }

    async fn requests_under_way_do_not_bring_a_session_back(t: TestDb) {
        let (env, _, identity, _) = nodes();
        let mut pair = adas(&t.db, &env, &identity).await;
        for _ in 0..5 {
            let account = holder(&identity, &t.db, &pair).await.unwrap().account_id;
            let refreshing = {
                let (db, env, node) = (t.db.clone(), env.clone(), identity.clone());
                let token = pair.refresh_token.clone();
                tokio::spawn(async move { node.refresh(&db, &env, &token).await })
            };
            identity.end_session(&t.db, &env, account, pair.session_id).await.unwrap();
            if let Ok(next) = refreshing.await.unwrap() {
                assert_eq!(holder(&identity, &t.db, &next).await, None);
                assert!(refresh(&t, &env, &identity, &next.refresh_token).await.is_none());
            }
            assert_eq!(holder(&identity, &t.db, &pair).await, None);
            pair = sign_in(&t.db, &env, &identity, "ada@example.org").await;
        }
    }

    async fn a_sign_in_that_was_ended_meanwhile_gets_no_tokens(t: TestDb) {
        let (env, _, identity, _) = nodes();
        let signed = ada(&t.db, &env, &identity).await;
        identity.end_all_sessions(&t.db, &env, signed.account.id).await.unwrap();
        let handed = identity.hand_tokens(&t.db, &env, &signed, Device::default()).await;
        assert_eq!(refusal(handed), SignInRefusal::LoginFailed);
    }

    async fn staff_are_refused_where_it_cannot_be_told_and_customers_served(t: TestDb) {
        let (env, clock, identity, _) = nodes();
        let customer = adas(&t.db, &env, &identity).await;
        identity.create(&t.db, &env, form("boss@example.org"), Role::Owner).await.unwrap();
        let owner = sign_in(&t.db, &env, &identity, "boss@example.org").await;
        let ask = async |pair: &TokenPair| {
            t.injector.fail_statement(1);
            let asked = identity.tokens.holder(&t.db, &pair.token).await;
            t.injector.calm();
            asked
        };
        clock.advance(OLD_MAX - SECOND);
        assert!(ask(&owner).await.unwrap().is_some(), "what was seen a moment ago counts");
        clock.advance(SECOND);
        assert!(matches!(ask(&owner).await, Err(Fault::Unavailable(_))));
        assert!(ask(&customer).await.unwrap().is_some());
        clock.advance(LOOKED_FOR);
        assert!(identity.tokens.holder(&t.db, &owner.token).await.unwrap().is_some());
    }

    async fn a_new_key_signs_when_every_node_knows_it(t: TestDb) {
        let (env, clock, identity, elsewhere) = nodes();
        let before = adas(&t.db, &env, &identity).await;
        assert!(holder(&elsewhere, &t.db, &before).await.is_some());
        clock.advance(SECOND);
        let kid = rotate_keys(&t.db, &env).await.unwrap();
        let published = async |node: &Identity| {
            let keys = node.tokens.published(&t.db).await.unwrap();
            keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
        };
        clock.advance(LOOKED_FOR);
        assert_eq!(published(&identity).await.len(), 2);
        assert_eq!(published(&identity).await, published(&elsewhere).await);
        clock.advance(SignedDuration::from_secs(5));
        let after = refresh(&t, &env, &identity, &before.refresh_token).await.unwrap();
        assert!(holder(&elsewhere, &t.db, &after).await.is_some());
        assert!(holder(&elsewhere, &t.db, &before).await.is_some(), "signed by the one before");
        clock.advance(ACCESS_LASTS + SignedDuration::from_secs(70));
        assert_eq!(published(&elsewhere).await, [kid]);
    }

    async fn two_nodes_that_start_together_have_the_same_key(t: TestDb) {
        let (_, _, identity, elsewhere) = nodes();
        let (one, other) = tokio::join!(
            identity.tokens.published(&t.db),
            elsewhere.tokens.published(&t.db)
        );
        assert_eq!(one.unwrap(), other.unwrap());
    }

    async fn wrong_passwords_in_a_row_slow_a_login_down(t: TestDb) {
        let (env, clock, identity, _) = nodes();
        ada(&t.db, &env, &identity).await;
        let ask = async |login: &str, password: &str| {
            let asked = identity.sign_in(&t.db, &env, login, password.into()).await;
            asked.map(|_| ()).map_err(|error| match error {
                Error::Refused(refusal) => refusal,
                Error::Fault(fault) => panic!("{fault}"),
            })
        };
        for login in ["ada@example.org", "nobody@example.org"] {
            for _ in 0..TRIES_FREE {
                assert_eq!(ask(login, "a guess").await, Err(SignInRefusal::LoginFailed));
            }
            let wait = Err(SignInRefusal::TooManyTries { retry_after: 2 });
            assert_eq!(ask(login, "a guess").await, wait);
            assert_eq!(ask(&login.to_uppercase(), PASSWORD).await, wait, "the right one as well");
        }
        clock.advance(SECOND);
        assert_eq!(ask("ada@example.org", PASSWORD).await, Ok(()));
        for _ in 0..TRIES_FREE {
            assert_eq!(ask("ada@example.org", "x").await, Err(SignInRefusal::LoginFailed), "anew");
        }
        for _ in TRIES_FREE..TRIES_MAX {
            clock.advance(SignedDuration::from_hours(1));
            assert_eq!(ask("ada@example.org", "x").await, Err(SignInRefusal::LoginFailed));
        }
        clock.advance(TRIES_WAIT_MAX - SECOND);
        let refused = ask("ada@example.org", PASSWORD).await;
        assert!(matches!(refused, Err(SignInRefusal::TooManyTries { .. })), "{refused:?}");
        t.db.write(|tx| forgive_tries(tx, "ada@example.org")).await.unwrap();
        assert_eq!(ask("ada@example.org", PASSWORD).await, Ok(()), "they proved another way");
    }

    async fn guesses_at_once_are_no_more_than_guesses_in_turn(t: TestDb) {
        let (env, _, identity, _) = nodes();
        ada(&t.db, &env, &identity).await;
        let asking: Vec<_> = (0..20)
            .map(|_| {
                let (db, env, node) = (t.db.clone(), env.clone(), identity.clone());
                tokio::spawn(async move {
                    node.sign_in(&db, &env, "ada@example.org", "a guess".into()).await
                })
            })
            .collect();
        let mut failed = 0;
        for asked in asking {
            match asked.await.unwrap() {
                Err(Error::Refused(SignInRefusal::LoginFailed)) => failed += 1,
                Err(
                    Error::Refused(SignInRefusal::TooManyTries { .. })
                    | Error::Fault(Fault::Overloaded | Fault::Contention),
                ) => {}
                _ => panic!("signed in"),
            }
        }
        assert!(failed <= TRIES_FREE, "{failed}");
    }
}
