//! Keys the shop makes for itself on its first start and keeps.

use kernel::{Env, Fault};

use crate::db::Db;
use crate::sql;

/// The 32 bytes kept under `name`; made now when there are none. Two nodes that start together
/// end with the same.
pub async fn get_or_make(db: &Db, env: &Env, name: &'static str) -> Result<[u8; 32], Fault> {
    let fresh = env.bytes::<32>();
    let now = env.now();
    db.write(move |tx| {
        tx.execute(&sql::SECRET_ADD, &[&name, &fresh.as_slice(), &now])?;
        kernel::crash_point!("secret.written");
        let found: Option<(Vec<u8>,)> = tx.row(&sql::SECRET_FIND, &[&name])?;
        let bytes = found.ok_or_else(|| Fault::Broken(format!("secret {name} is not there")))?.0;
        bytes.try_into().map_err(|_| Fault::Broken(format!("secret {name} is not 32 bytes")))
    })
    .await
}
