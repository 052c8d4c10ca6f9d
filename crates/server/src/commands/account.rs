//! `holdfast account create`

use std::process::ExitCode;

use identity::{NewAccount, Role};
use kernel::Env;
use store::Db;

use crate::cli;
use crate::config::Config;
use crate::running::{identity, open_database};

pub(super) async fn create(
    config: Config,
    login: String,
    role: cli::Role,
) -> anyhow::Result<ExitCode> {
    let db = open_database(&config)?;
    let role = match role {
        cli::Role::Customer => Role::Customer,
        cli::Role::Support => Role::Support,
        cli::Role::Warehouse => Role::Warehouse,
        cli::Role::Manager => Role::Manager,
        cli::Role::Owner => Role::Owner,
    };
    let password = make(&config, &db, login, role).await?;
    println!("password: {password}");
    db.close();
    Ok(ExitCode::SUCCESS)
}

/// Makes an account with a generated password, which is kept nowhere but in the answer.
pub(super) async fn make(
    config: &Config,
    db: &Db,
    login: String,
    role: Role,
) -> anyhow::Result<String> {
    let env = Env::system();
    let identity = identity(config, &env)?;
    let password = identity::generate_password(&env);
    let name = login.split('@').next().unwrap_or("owner").to_owned();
    let new = NewAccount { login, password: password.clone(), name };
    identity.create(db, &env, new, role).await?;
    Ok(password)
}
