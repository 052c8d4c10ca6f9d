//! What it costs to know who sent a request: `cargo bench -p identity`.

#![allow(missing_docs, reason = "a bench is run, not called")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use identity::{Device, Identity, NewAccount, PasswordPolicy};
use kernel::Env;
use store::EngineKind;
use store::testing::TestDb;

fn token(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let t = TestDb::new(EngineKind::Sqlite, &[&store::SCHEMA, &identity::SCHEMA]);
    let (env, _) = Env::manual("2027-01-15T08:00:00Z".parse().unwrap(), 7);
    let open = || {
        let policy = PasswordPolicy { memory_kib: 8, passes: 1 };
        let identity = Identity::new(policy, &env).unwrap();
        identity.tokens.issued_by("https://shop.example/");
        identity
    };
    let identity = open();
    let token = runtime.block_on(async {
        let new = NewAccount {
            login: "ada@example.org".into(),
            password: "wet paint, do not touch".into(),
            name: "Ada".into(),
        };
        let signed = identity.register(&t.db, &env, new).await.unwrap();
        let handed = identity.hand_tokens(&t.db, &env, &signed, Device::default());
        handed.await.unwrap().token
    });
    let check = |identity: &Identity| {
        let holder = runtime.block_on(identity.tokens.holder(&t.db, &token)).unwrap();
        assert!(holder.is_some());
    };
    c.bench_function("a token seen before", |b| b.iter(|| check(&identity)));
    let fresh = || {
        let node = open();
        runtime.block_on(node.tokens.published(&t.db)).unwrap();
        node
    };
    c.bench_function("a token seen for the first time", |b| {
        b.iter_batched(fresh, |node| check(&node), BatchSize::SmallInput);
    });
}

criterion_group!(benches, token);
criterion_main!(benches);
