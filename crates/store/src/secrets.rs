//! Keys the shop makes for itself on its first start and keeps.

use kernel::{Env, Fault, Timestamp};

use crate::db::Db;
use crate::sql;
use crate::tx::{Read, Tx};

/// A key that is kept beside others of its kind.
pub struct Kept {
    /// What it is.
    pub bytes: [u8; 32],
    /// Since when.
    pub made_at: Timestamp,
}

/// All keys whose name begins with `prefix`, the oldest first.
pub fn all_named(read: &mut Read<'_>, prefix: &str) -> Result<Vec<Kept>, Fault> {
    let rows: Vec<(Vec<u8>, Timestamp)> =
        read.rows(&sql::SECRETS_NAMED, &[&format!("{prefix}%")])?;
    let kept = |(bytes, made_at): (Vec<u8>, Timestamp)| {
        let bytes = bytes.try_into();
        let bytes =
            bytes.map_err(|_| Fault::Broken(format!("a secret {prefix} is not 32 bytes")))?;
        Ok(Kept { bytes, made_at })
    };
    rows.into_iter().map(kept).collect()
}

/// Keeps one more key.
pub fn add(tx: &mut Tx<'_>, name: &str, bytes: &[u8; 32], now: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::SECRET_ADD, &[&name, &bytes.as_slice(), &now]).map(|_| ())
}

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
