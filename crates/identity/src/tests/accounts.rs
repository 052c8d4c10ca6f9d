//! Registering and signing in.

use kernel::{Coded as _, Error, Fault};
use store::testing::prepare_all;

use super::{PASSWORD, ada, form, refusal, world};
use crate::{
    AccountRefusal, IDLE_FOR_MAX, Identity, NewAccount, PasswordPolicy, Role, SignInRefusal,
    account, account_by_login,
};

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn every_statement_is_taken(t: TestDb) {
        let prepared = prepare_all(&t.db, &[&crate::SCHEMA]).await.unwrap();
        assert_eq!(prepared, crate::SCHEMA.statements.len());
    }

    async fn registers_and_signs_in_and_out(t: TestDb) {
        let (env, _, identity) = world();
        let made = ada(&t.db, &env, &identity).await;
        assert_eq!(made.account.email.as_deref(), Some("Ada@Example.org"), "kept as it was written");
        assert_eq!(made.account.role, Role::Customer);
        assert_eq!(made.expires_at, env.now() + IDLE_FOR_MAX);

        let (id, kept) = (made.account.id, made.account.clone());
        let found = t.db.read(move |read| account(read, id)).await.unwrap();
        assert_eq!(found.as_ref(), Some(&kept));
        let found = t.db.read(|read| account_by_login(read, " ADA@example.ORG")).await.unwrap();
        assert_eq!(found, Some(kept));

        let again = identity
            .sign_in(&t.db, &env, " ada@EXAMPLE.org ", PASSWORD.into())
            .await
            .unwrap();
        assert_ne!(again.token, made.token);
        assert_eq!(again.account, made.account);
        let who = identity.sessions.who(&t.db, &again.token).await.unwrap().unwrap();
        assert_eq!((who.account_id, who.role, &*who.name), (id, Role::Customer, "Ada"));

        identity.sign_out(&t.db, &again.token).await.unwrap();
        identity.sign_out(&t.db, &again.token).await.unwrap();
        assert_eq!(identity.sessions.who(&t.db, &again.token).await.unwrap(), None);
        let other = identity.sessions.who(&t.db, &made.token).await.unwrap();
        assert!(other.is_some(), "the other session goes on");
    }

    async fn makes_an_owner(t: TestDb) {
        let (env, _, identity) = world();
        let owner =
            identity.create(&t.db, &env, form("owner@example.org"), Role::Owner).await.unwrap();
        let signed_in =
            identity.sign_in(&t.db, &env, "owner@example.org", PASSWORD.into()).await.unwrap();
        assert_eq!(signed_in.account, owner);
        let who = identity.sessions.who(&t.db, &signed_in.token).await.unwrap().unwrap();
        assert_eq!(who.role, Role::Owner);
    }

    async fn refuses_forms(t: TestDb) {
        let (env, _, identity) = world();
        ada(&t.db, &env, &identity).await;
        let good = || form("bob@example.org");
        let cases = [
            (form("ADA@example.org "), "login-taken"),
            (form("b"), "login-invalid"),
            (NewAccount { name: " ".into(), ..good() }, "name-invalid"),
            (NewAccount { name: "B\0b".into(), ..good() }, "name-invalid"),
            (NewAccount { password: "1234567".into(), ..good() }, "password-too-short"),
            (NewAccount { password: "Password123".into(), ..good() }, "password-too-common"),
            (NewAccount { password: "x1".repeat(65), ..good() }, "password-too-long"),
        ];
        for (new, code) in cases {
            let refused = refusal(identity.register(&t.db, &env, new).await);
            assert_eq!(refused.code(), code);
        }
        let none = t.db.read(|read| account_by_login(read, "bob@example.org")).await.unwrap();
        assert_eq!(none, None, "nothing was written");
    }

    async fn wrong_logins_read_the_same(t: TestDb) {
        let (env, _, identity) = world();
        ada(&t.db, &env, &identity).await;
        let logins = ["ada@example.org", "nobody@example.org", "ada", "", "a\0@example.org"];
        for login in logins {
            let wrong = identity.sign_in(&t.db, &env, login, "not this one".into()).await;
            assert_eq!(refusal(wrong), SignInRefusal::LoginFailed, "{login:?}");
        }
    }

    async fn one_of_many_registrations_wins(t: TestDb) {
        let (env, _, identity) = world();
        let tries: Vec<_> = (0..16)
            .map(|index| {
                let (db, env, identity) = (t.db.clone(), env.clone(), identity.clone());
                let email = if index % 2 == 0 { "ada@example.org" } else { "Ada@Example.ORG" };
                tokio::spawn(async move { identity.register(&db, &env, form(email)).await })
            })
            .collect();
        let mut made = 0;
        for tried in tries {
            match tried.await.unwrap() {
                Ok(_) => made += 1,
                refused => assert_eq!(refusal(refused), AccountRefusal::LoginTaken),
            }
        }
        assert_eq!(made, 1);
    }

    async fn different_registrations_do_not_disturb_each_other(t: TestDb) {
        let (env, _, identity) = world();
        let tries: Vec<_> = (0..64)
            .map(|index| {
                let (db, env, identity) = (t.db.clone(), env.clone(), identity.clone());
                let new = form(&format!("buyer-{index}@example.org"));
                tokio::spawn(async move { identity.register(&db, &env, new).await.map(|_| ()) })
            })
            .collect();
        for tried in tries {
            tried.await.unwrap().unwrap();
        }
    }

    async fn an_old_hash_is_made_anew(t: TestDb) {
        let (env, _, identity) = world();
        ada(&t.db, &env, &identity).await;
        let dearer =
            Identity::new(PasswordPolicy { memory_kib: 16, passes: 2 }, &env).unwrap();
        let hash = || async {
            let hash = |read: &mut store::Read<'_>| -> Result<_, Fault> {
                let ada = account_by_login(read, "ada@example.org")?.unwrap();
                read.row::<(String,)>(&crate::sql::PASSWORD_HASH, &[&ada.id])
            };
            t.db.read(hash).await.unwrap().unwrap().0
        };
        assert!(hash().await.contains("$m=8,t=1,p=1$"));
        let wrong = dearer.sign_in(&t.db, &env, "ada@example.org", "wrong again".into()).await;
        refusal(wrong);
        assert!(hash().await.contains("$m=8,t=1,p=1$"), "a wrong password changes nothing");
        dearer.sign_in(&t.db, &env, "ada@example.org", PASSWORD.into()).await.unwrap();
        let new = hash().await;
        assert!(new.contains("$m=16,t=2,p=1$"), "{new}");
        dearer.sign_in(&t.db, &env, "ada@example.org", PASSWORD.into()).await.unwrap();
        assert_eq!(hash().await, new, "only once");
    }

    async fn a_lost_answer_leaves_one_account(t: TestDb) {
        let (env, _, identity) = world();
        t.injector.lose_next_answer();
        let lost = identity.register(&t.db, &env, form("ada@example.org")).await;
        assert!(matches!(lost, Err(Error::Fault(Fault::Unavailable(_)))));
        let again = identity.register(&t.db, &env, form("ada@example.org")).await;
        assert_eq!(refusal(again), AccountRefusal::LoginTaken);
        identity.sign_in(&t.db, &env, "ada@example.org", PASSWORD.into()).await.unwrap();
    }

    async fn every_failing_statement_leaves_nothing(t: TestDb) {
        let (env, _, identity) = world();
        for nth in 1..10 {
            t.injector.fail_statement(nth);
            let tried = identity.register(&t.db, &env, form("ada@example.org")).await;
            let reached = !t.injector.calm();
            if !reached {
                tried.unwrap();
                assert!(nth > 3, "a look, an account and a session are three statements");
                return;
            }
            assert!(matches!(tried, Err(Error::Fault(Fault::Unavailable(_)))), "{nth}");
            let none = t.db.read(|read| account_by_login(read, "ada@example.org")).await.unwrap();
            assert_eq!(none, None, "statement {nth}");
        }
        panic!("registering never ends");
    }
}
