//! The post: letters that lie in the outbox are opened, written out and carried to people, by
//! mail or by SMS.
//!
//! A letter is carried at least once. Whoever dies between carrying and noting it carries it again
//! after the next start: the same words with the same code under the same `Message-ID`. Letters do
//! not go the way of other events (`relay`), because a mail server may take its time.

mod carrier;
mod mail;
mod sms;
mod words;

use std::sync::Arc;
use std::time::Duration;

use flows::Shop;
use futures_util::stream::{self, StreamExt as _};
use identity::{Codes, LoginKind};
use kernel::{Fault, Timestamp};
use store::outbox::{self, Waiting};
use url::Url;

pub use carrier::{Carrier, Console, Message, NotCarried};
pub use mail::{Mail, MailSettings};
pub use sms::{HttpSms, SmsSettings};

use crate::relay::{TRIES_MAX, later};

/// Letters one round takes up.
const ROUND: i64 = 64;
/// Letters that are carried at one time.
const AT_ONCE: usize = 8;
/// Time for one of them.
const WITHIN: Duration = Duration::from_secs(20);

/// Who carries what.
#[derive(Clone)]
pub struct Post {
    codes: Codes,
    sender: Arc<Sender>,
}

/// What every letter of a shop has in common, and who carries it.
pub struct Sender {
    /// What the shop is called.
    pub shop: String,
    /// Where it is reached.
    pub url: Url,
    /// To addresses.
    pub mail: Arc<dyn Carrier>,
    /// To telephones.
    pub sms: Arc<dyn Carrier>,
}

/// What became of a letter.
enum Fate {
    Carried,
    Later(String),
    Never(String),
}

impl Post {
    /// Opens letters with the keys of `codes`.
    pub fn new(codes: Codes, sender: Sender) -> Self {
        Self { codes, sender: Arc::new(sender) }
    }

    /// Carries the letters that are due; gives how many there were.
    pub(crate) async fn round(&self, shop: &Shop) -> Result<usize, Fault> {
        let now = shop.env.now();
        let due = shop.db.read(move |read| outbox::letters_due(read, now, ROUND)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let count = due.len();
        let carried = stream::iter(due).map(|event| async {
            let fate = self.carry(&event, now).await;
            (event, fate)
        });
        let fates: Vec<_> = carried.buffer_unordered(AT_ONCE).collect().await;
        shop.db
            .write(move |tx| {
                for (event, fate) in &fates {
                    note(tx, event, fate, now)?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        Ok(count)
    }

    async fn carry(&self, event: &Waiting, now: Timestamp) -> Fate {
        let Some(letter) = self.codes.letter(event) else {
            return Fate::Never("it was not sealed by this shop".into());
        };
        if now >= letter.until {
            return Fate::Never("it came too late to be of use".into());
        }
        let Some(message) = words::write(&self.sender, &letter, event) else {
            return Fate::Carried;
        };
        let carrier = match letter.kind {
            LoginKind::Phone => &self.sender.sms,
            LoginKind::Email | LoginKind::Username => &self.sender.mail,
        };
        match tokio::time::timeout(WITHIN, carrier.carry(&message)).await {
            Ok(Ok(())) => Fate::Carried,
            Ok(Err(NotCarried::Later(why))) => Fate::Later(why),
            Ok(Err(NotCarried::Never(why))) => Fate::Never(why),
            Err(_) => Fate::Later("it took too long".into()),
        }
    }
}

/// Notes what became of a letter. Reasons name nobody.
fn note(tx: &mut store::Tx<'_>, event: &Waiting, fate: &Fate, now: Timestamp) -> Result<(), Fault> {
    match fate {
        Fate::Carried => outbox::delivered(tx, std::slice::from_ref(event), now),
        Fate::Later(why) => {
            tracing::warn!(letter = %event.aggregate, why, "a letter was not carried yet");
            let dead = (event.tries + 1 >= TRIES_MAX).then_some(why.as_str());
            outbox::failed(tx, event, later(now, event.tries), dead)
        }
        Fate::Never(why) => {
            tracing::warn!(letter = %event.aggregate, why, "a letter is not carried");
            outbox::failed(tx, event, now, Some(why))
        }
    }
}
