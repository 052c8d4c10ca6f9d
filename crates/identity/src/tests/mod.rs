//! What the statements do, on both engines.

mod accounts;
mod addresses;
mod audit;
mod codes;
mod sessions;
mod tokens;

use std::sync::Arc;

use kernel::{Env, Error, ManualClock};
use store::Db;

use crate::{Identity, NewAccount, PasswordPolicy, SignIn};

const CHEAP: PasswordPolicy = PasswordPolicy { memory_kib: 8, passes: 1 };
const PASSWORD: &str = "wet paint, do not touch";

fn world() -> (Env, Arc<ManualClock>, Identity) {
    let (env, clock) = Env::manual("2026-11-20T10:00:00Z".parse().unwrap(), 11);
    let identity = Identity::new(CHEAP, &env).unwrap();
    (env, clock, identity)
}

fn form(login: &str) -> NewAccount {
    NewAccount { login: login.into(), password: PASSWORD.into(), name: "Ada".into() }
}

fn refusal<T, R>(result: Result<T, Error<R>>) -> R {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(Error::Fault(fault)) => panic!("a fault: {fault}"),
        Ok(_) => panic!("it was done"),
    }
}

async fn ada(db: &Db, env: &Env, identity: &Identity) -> SignIn {
    identity.register(db, env, form("Ada@Example.org")).await.unwrap()
}
