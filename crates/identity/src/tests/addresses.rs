//! Addresses and which one is offered first.

use kernel::{AccountId, AddressId, Coded as _, Env, Error, Fault, SignedDuration, limits};
use store::Db;

use super::{ada, form, refusal, world};
use crate::{AddressRefusal, NewAddress, addresses};

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn addresses_have_one_default(t: TestDb) {
        let (env, clock, identity) = world();
        let owner = ada(&t.db, &env, &identity).await.account.id;
        assert_eq!(preferred(&t.db, owner).await, None);

        let first = add(&t.db, &env, owner, home()).await.unwrap();
        assert!(first.is_default, "the first is, asked or not");
        clock.advance(SignedDuration::from_secs(1));
        let second = add(&t.db, &env, owner, home()).await.unwrap();
        assert!(!second.is_default);
        assert_eq!(preferred(&t.db, owner).await, Some(first.id));
        clock.advance(SignedDuration::from_secs(1));
        let third = add(&t.db, &env, owner, NewAddress { is_default: true, ..home() }).await;
        let third = third.unwrap();
        assert_eq!(preferred(&t.db, owner).await, Some(third.id));
        assert_eq!(
            ids_and_defaults(&t.db, owner).await,
            [(third.id, true), (second.id, false), (first.id, false)]
        );

        let id = first.id;
        let set = t.db.write(move |tx| addresses::set_default(tx, owner, id)).await.unwrap();
        assert!(set.is_default);
        assert_eq!(
            ids_and_defaults(&t.db, owner).await,
            [(first.id, true), (third.id, false), (second.id, false)]
        );
        t.db.write(move |tx| addresses::remove(tx, owner, id)).await.unwrap();
        assert_eq!(preferred(&t.db, owner).await, Some(third.id), "else the latest");
        let again = t.db.write(move |tx| addresses::remove(tx, owner, id)).await;
        assert_eq!(refusal(again), AddressRefusal::AddressUnknown);
    }

    async fn a_foreign_address_is_not_there(t: TestDb) {
        let (env, _, identity) = world();
        let owner = ada(&t.db, &env, &identity).await.account.id;
        let other = identity.register(&t.db, &env, form("bob@example.org")).await.unwrap();
        let other = other.account.id;
        let address = add(&t.db, &env, owner, home()).await.unwrap();
        let id = address.id;
        let find = |owner: AccountId| t.db.read(move |read| addresses::find(read, owner, id)?.one(read));
        assert_eq!(find(owner).await.unwrap(), Some(address));
        assert_eq!(find(other).await.unwrap(), None);
        let stolen = t.db.write(move |tx| addresses::set_default(tx, other, id)).await;
        assert_eq!(refusal(stolen), AddressRefusal::AddressUnknown);
        let removed = t.db.write(move |tx| addresses::remove(tx, other, id)).await;
        assert_eq!(refusal(removed), AddressRefusal::AddressUnknown);
        assert_eq!(preferred(&t.db, owner).await, Some(id));
    }

    async fn addresses_are_bounded(t: TestDb) {
        let (env, _, identity) = world();
        let owner = ada(&t.db, &env, &identity).await.account.id;
        for _ in 0..limits::ADDRESSES_MAX {
            add(&t.db, &env, owner, home()).await.unwrap();
        }
        let refused = refusal(add(&t.db, &env, owner, home()).await);
        assert_eq!(refused, AddressRefusal::TooManyAddresses);
        let refused = refusal(add(&t.db, &env, owner, NewAddress::default()).await);
        assert_eq!(refused.code(), "address-invalid");
    }

    async fn two_defaults_at_once_are_one(t: TestDb) {
        let (env, _, identity) = world();
        for round in 0..5 {
            let email = format!("buyer-{round}@example.org");
            let made = identity.register(&t.db, &env, form(&email)).await.unwrap();
            let owner = made.account.id;
            let adding: Vec<_> = (0..6)
                .map(|index| {
                    let (db, env) = (t.db.clone(), env.clone());
                    let new = NewAddress { is_default: index % 2 == 0, ..home() };
                    tokio::spawn(async move {
                        // Who loses every try to the others is told so, and asks again.
                        loop {
                            match add(&db, &env, owner, new.clone()).await {
                                Err(Error::Fault(Fault::Contention)) => {}
                                added => break added.map(|_| ()),
                            }
                        }
                    })
                })
                .collect();
            for added in adding {
                added.await.unwrap().unwrap();
            }
            let all = ids_and_defaults(&t.db, owner).await;
            assert_eq!(all.len(), 6);
            assert_eq!(all.iter().filter(|(_, is_default)| *is_default).count(), 1);
        }
    }

    async fn the_table_itself_holds_one_default(t: TestDb) {
        let (env, _, identity) = world();
        let owner = ada(&t.db, &env, &identity).await.account.id;
        add(&t.db, &env, owner, home()).await.unwrap();
        let second = add(&t.db, &env, owner, home()).await.unwrap().id;
        let forced = t
            .db
            .write(move |tx| tx.execute(&crate::sql::ADDRESS_DEFAULT, &[&owner, &second]))
            .await;
        assert!(matches!(forced, Err(Fault::Constraint(_))), "{forced:?}");
    }
}

fn home() -> NewAddress {
    NewAddress {
        name: "Ada Lovelace".into(),
        line1: "12 St James's Square".into(),
        city: "London".into(),
        postcode: "SW1Y 4JH".into(),
        country: "GB".into(),
        ..NewAddress::default()
    }
}

async fn add(
    db: &Db,
    env: &Env,
    owner: AccountId,
    new: NewAddress,
) -> Result<addresses::Address, Error<AddressRefusal>> {
    let env = env.clone();
    db.write(move |tx| addresses::add(tx, &env, owner, new.clone())).await
}

async fn preferred(db: &Db, owner: AccountId) -> Option<AddressId> {
    let found = db.read(move |read| addresses::preferred(read, owner)?.one(read)).await.unwrap();
    found.map(|address| address.id)
}

async fn ids_and_defaults(db: &Db, owner: AccountId) -> Vec<(AddressId, bool)> {
    let all = db.read(move |read| addresses::list(read, owner)).await.unwrap();
    all.into_iter().map(|address| (address.id, address.is_default)).collect()
}
