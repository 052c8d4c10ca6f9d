//! What gateways send: kept before it is answered, looked into afterwards, and tried again when it
//! is about something that is not known yet.

use futures_util::stream::{self, TryStreamExt as _};
use gateways::{Acknowledgement, RawNotification, RawReply, Subject, WORKER_PATIENCE};
use kernel::planted::{self, Bug};
use kernel::{Fault, SignedDuration, Timestamp};
use payments::{Attempt, Notice, NoticeKind, Waiting, pace};
use store::{Read, Tx};

use super::{Cashier, SWEEP, after};

/// Notices that are looked into at one time: each waits for its gateway, and one after the other
/// they would come in faster than they are settled.
const NOTICES_AT_ONCE: usize = 64;
/// Tries after which a notice is left for a person.
const NOTICE_TRIES_MAX: i64 = 20;

/// What came of looking into a notice.
enum Look {
    /// It did this.
    Did(String),
    /// Its gateway was mute: ask again.
    Mute,
    /// It is about something that we do not know: perhaps we shall.
    Unmatched,
}

impl Cashier {
    /// Takes in what a gateway sent: kept first, answered then, looked into afterwards.
    pub async fn receive(&self, gateway: &str, raw: &RawNotification<'_>) -> Option<RawReply> {
        let gateway = self.gateways.get(gateway)?;
        let now = self.shop.env.now();
        let notification = match gateway.receive(raw, now) {
            Ok(notification) => notification,
            Err(error) => {
                tracing::warn!(gateway = gateway.name(), %error, "a notice was refused");
                return Some(gateway.acknowledge(Acknowledgement::Rejected));
            }
        };
        kernel::crash_point!("notice.checked");
        let id = self.shop.env.id();
        let dedupe_key = if planted::is(Bug::MissingUniqueKey) {
            format!("{} {id}", notification.dedupe_key)
        } else {
            notification.dedupe_key
        };
        let notice = Notice {
            id,
            gateway: gateway.name().to_owned(),
            dedupe_key,
            body: String::from_utf8_lossy(raw.body).into_owned(),
            headers: headers(raw),
            source: raw.source_ip.map(|address| address.to_string()),
            ..about(&notification.subject, id, now)
        };
        let mismatch = notification.mismatch;
        let kept = self.shop.db.write(move |tx| keep(tx, &notice, mismatch.as_deref())).await;
        kernel::crash_point!("notice.kept");
        self.notices.notify_one();
        Some(gateway.acknowledge(match kept {
            Ok(_) => Acknowledgement::Stored,
            Err(Fault::Broken(_) | Fault::Constraint(_)) => Acknowledgement::Rejected,
            Err(_) => Acknowledgement::TryAgain,
        }))
    }

    /// Comes back when a notice has been kept.
    pub(crate) async fn notice_kept(&self) {
        self.notices.notified().await;
    }

    /// Looks into notices that are due; gives how many there were.
    pub async fn read_notices(&self) -> Result<usize, Fault> {
        let _alone = self.reading.lock().await;
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::notices_due(read, now, SWEEP)).await?;
        let count = due.len();
        let looks = due.into_iter().map(|notice| Ok(self.handle(notice, now)));
        stream::iter(looks).try_buffer_unordered(NOTICES_AT_ONCE).try_collect::<()>().await?;
        Ok(count)
    }

    async fn handle(&self, notice: Waiting, now: Timestamp) -> Result<(), Fault> {
        let (id, tries) = (notice.id, notice.tries);
        kernel::crash_point!("notice.to-be-looked-into");
        let over = tries >= NOTICE_TRIES_MAX;
        let given_up = |why: &str| (Some(format!("given up: {why}")), SignedDuration::ZERO);
        let (effect, pause) = match self.look_into(&notice).await? {
            Look::Did(effect) => (Some(effect), SignedDuration::ZERO),
            Look::Mute if over => given_up("the gateway is mute"),
            Look::Mute => (None, backoff(tries)),
            Look::Unmatched if over => {
                let (gateway, reference) = (&notice.gateway, &notice.reference);
                tracing::error!(gateway, ?reference, "a notice about nothing that we know");
                given_up("it is about nothing that this shop knows")
            }
            Look::Unmatched => (None, pace::unmatched(tries)),
        };
        self.shop
            .db
            .write(move |tx| match &effect {
                Some(effect) => payments::notice_handled(tx, id, effect, now),
                None => payments::notice_failed(tx, id, after(now, pause)),
            })
            .await?;
        kernel::crash_point!("notice.handled");
        Ok(())
    }

    async fn look_into(&self, notice: &Waiting) -> Result<Look, Fault> {
        if notice.kind == NoticeKind::Other {
            return Ok(Look::Did("about nothing that we deal in".to_owned()));
        }
        let named = notice.clone();
        let found = self.shop.db.read(move |read| attempt_of(read, &named)).await?;
        let Some(attempt) = found else { return Ok(Look::Unmatched) };
        if notice.attempt_id != Some(attempt.id) {
            let (id, attempt, refund) = (notice.id, attempt.id, notice.refund_id);
            let now = self.shop.env.now();
            let matched = self.shop.db.write(move |tx| {
                refund.map_or(Ok(()), |refund| payments::refund_soon(tx, refund, now))?;
                payments::notice_matched(tx, id, attempt)
            });
            matched.await?;
        }
        let effect = match (&notice.reference, notice.kind) {
            (Some(dispute), NoticeKind::Dispute) => self.hear_dispute(&attempt, dispute).await?,
            _ => self.ask(&attempt, "notice", WORKER_PATIENCE).await?.map(flows::NewsEffect::word),
        };
        Ok(effect.map_or(Look::Mute, |effect| Look::Did(effect.to_owned())))
    }
}

/// The attempt that a notice is about, by whatever it names.
fn attempt_of(read: &mut Read<'_>, notice: &Waiting) -> Result<Option<Attempt>, Fault> {
    if let Some(id) = notice.attempt_id
        && let Some(found) = payments::find(read, id)?
    {
        return Ok(Some(found));
    }
    if let Some(id) = notice.refund_id
        && let Some(refund) = payments::find_refund(read, id)?
    {
        return payments::find(read, refund.attempt_id);
    }
    match &notice.payment {
        Some(payment) => payments::by_reference(read, &notice.gateway, payment),
        None => Ok(None),
    }
}

/// A notice with nothing in it but what it is about.
fn about(subject: &Subject, id: kernel::NoticeId, now: Timestamp) -> Notice {
    let bare = Notice {
        id,
        gateway: String::new(),
        dedupe_key: String::new(),
        reference: None,
        attempt_id: None,
        kind: NoticeKind::Other,
        payment: None,
        refund_id: None,
        body: String::new(),
        headers: String::new(),
        source: None,
        received_at: now,
    };
    match subject.clone() {
        Subject::Payment { gateway_id, secondary_id, attempt } => Notice {
            kind: NoticeKind::Payment,
            attempt_id: attempt,
            payment: gateway_id.clone().or_else(|| secondary_id.clone()),
            reference: gateway_id.or(secondary_id),
            ..bare
        },
        Subject::Refund { gateway_id, refund, payment_id } => Notice {
            kind: NoticeKind::Refund,
            reference: Some(gateway_id),
            refund_id: refund,
            payment: payment_id,
            ..bare
        },
        Subject::Dispute { gateway_id, payment_id } => Notice {
            kind: NoticeKind::Dispute,
            reference: Some(gateway_id),
            payment: payment_id,
            ..bare
        },
        Subject::Other { .. } => bare,
    }
}

/// Keeps a notice together with the attempt it is about, found by what it names. One that is not
/// meant for us is kept, and nothing else is done about it.
fn keep(tx: &mut Tx<'_>, notice: &Notice, mismatch: Option<&str>) -> Result<bool, Fault> {
    let (mut notice, now) = (notice.clone(), notice.received_at);
    let refund = match notice.refund_id {
        Some(id) => payments::find_refund(tx, id)?,
        None => None,
    };
    if let Some(refund) = &refund {
        notice.attempt_id = Some(refund.attempt_id);
        payments::refund_soon(tx, refund.id, now)?;
    } else if let (None, Some(payment)) = (notice.attempt_id, &notice.payment) {
        let found = payments::by_reference(tx, &notice.gateway, payment)?;
        notice.attempt_id = found.map(|attempt| attempt.id);
    }
    let fresh = payments::receive(tx, &notice)?;
    if let Some(mismatch) = mismatch.filter(|_| fresh) {
        tracing::error!(gateway = notice.gateway, mismatch, "a notice that is not meant for us");
        payments::notice_handled(tx, notice.id, &format!("not ours: {mismatch}"), now)?;
    }
    Ok(fresh)
}

/// Headers worth keeping: not those that carry secrets of transport.
fn headers(raw: &RawNotification<'_>) -> String {
    let kept = raw.headers.iter().filter(|(name, _)| {
        !name.eq_ignore_ascii_case("authorization") && !name.eq_ignore_ascii_case("cookie")
    });
    let kept: serde_json::Map<String, serde_json::Value> =
        kept.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    serde_json::Value::Object(kept).to_string()
}

/// 5 s, 10 s, 20 s … at most an hour.
fn backoff(tries: i64) -> SignedDuration {
    let doublings = u32::try_from(tries.clamp(0, 10)).unwrap_or(10);
    SignedDuration::from_secs((5_i64 << doublings).min(3600))
}
