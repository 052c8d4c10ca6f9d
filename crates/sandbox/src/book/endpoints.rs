//! Where a provider tells its news, when that is not said with each payment.

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Page, micros, moment};
use crate::gateway::Gateway;

/// An address that wants to hear.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub id: String,
    pub gateway: Gateway,
    pub url: String,
    pub secret: String,
    /// While a secret is being changed: the old one, and until when it still signs.
    pub old: Option<(String, Timestamp)>,
    pub enabled: bool,
    /// Kinds of news; `*` is all.
    pub kinds: Vec<String>,
    pub created_at: Timestamp,
}

impl Endpoint {
    /// One that hears of everything.
    pub fn of_everything(
        page: &Page<'_>,
        id: &str,
        gateway: Gateway,
        url: String,
        secret: String,
    ) -> Self {
        let (id, created_at) = (id.to_owned(), page.now);
        let kinds = vec!["*".to_owned()];
        Self { id, gateway, url, secret, old: None, enabled: true, kinds, created_at }
    }

    pub fn wants(&self, kind: &str) -> bool {
        self.enabled && self.kinds.iter().any(|wanted| wanted == "*" || wanted == kind)
    }

    /// The secrets that sign at `now`, newest first.
    pub fn secrets(&self, now: Timestamp) -> Vec<String> {
        let old = self.old.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(old).cloned().collect()
    }
}

const COLUMNS: &str = "id, gateway, url, secret, old_secret, old_until, enabled, kinds, created_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    let old: Option<String> = row.get(4)?;
    let until: Option<i64> = row.get(5)?;
    Ok(Endpoint {
        id: row.get(0)?,
        gateway: Gateway::named(row.get_ref(1)?.as_str()?).unwrap_or(Gateway::Plain),
        url: row.get(2)?,
        secret: row.get(3)?,
        old: old.zip(until.map(moment)),
        enabled: row.get(6)?,
        kinds: row.get::<_, String>(7)?.split_whitespace().map(str::to_owned).collect(),
        created_at: moment(row.get(8)?),
    })
}

/// Writes an endpoint, new or changed.
pub(crate) fn save(page: &Page<'_>, endpoint: &Endpoint) -> rusqlite::Result<()> {
    page.tx.execute(
        "insert or replace into endpoints
            (id, gateway, url, secret, old_secret, old_until, enabled, kinds, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            endpoint.id,
            endpoint.gateway.name(),
            endpoint.url,
            endpoint.secret,
            endpoint.old.as_ref().map(|(secret, _)| secret),
            endpoint.old.as_ref().map(|(_, until)| micros(*until)),
            endpoint.enabled,
            endpoint.kinds.join(" "),
            micros(endpoint.created_at),
        ],
    )?;
    Ok(())
}

pub(crate) fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Endpoint>> {
    let text = format!("select {COLUMNS} from endpoints where id = ?1");
    page.tx.prepare_cached(&text)?.query_row([id], read).optional()
}

/// All of one provider, newest first.
pub(crate) fn all(page: &Page<'_>, gateway: Gateway) -> rusqlite::Result<Vec<Endpoint>> {
    let text =
        format!("select {COLUMNS} from endpoints where gateway = ?1 order by created_at desc, id");
    page.tx.prepare_cached(&text)?.query_map([gateway.name()], read)?.collect()
}

pub(crate) fn remove(page: &Page<'_>, id: &str) -> rusqlite::Result<bool> {
    Ok(page.tx.execute("delete from endpoints where id = ?1", [id])? == 1)
}
