//! `holdfast verify`

use std::process::ExitCode;

use kernel::{Env, SignedDuration};
use store::{Db, Options};

use crate::cli;
use crate::config::Config;

pub(super) async fn run(args: cli::Verify) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.settings)?;
    let options = Options { connections: 1, ..Options::new(config.database.url.clone()) };
    let db = Db::open_to_look(&options)?;
    let grace = SignedDuration::from_secs(i64::from(args.grace));
    let report = reports::verify(&db, Env::system().now(), grace).await?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    db.close();
    Ok(if report.violations == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
