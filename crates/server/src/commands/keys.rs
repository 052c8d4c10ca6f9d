//! `holdfast keys`

use std::process::ExitCode;

use kernel::Env;

use crate::config::Config;
use crate::running::open_database;

pub(super) async fn rotate(config: Config) -> anyhow::Result<ExitCode> {
    let db = open_database(&config)?;
    let kid = identity::rotate_keys(&db, &Env::system()).await?;
    println!("new key: {kid}");
    db.close();
    Ok(ExitCode::SUCCESS)
}
