//! Notices on their way to the shop: late, twice, in another order, lost, or forged.

use gateways::{Notification, NotificationError, RawNotification, RawReply, Subject};
use kernel::{AttemptId, SignedDuration};

use super::Bank;
use crate::executor::Group;
use crate::trace::short;
use crate::trouble::Trouble;

/// The header that says that a notice is the bank's.
const SEAL: &str = "bank-seal";
/// What is in it.
const GENUINE: &str = "genuine";
/// Deliveries of one notice before the bank gives up.
const TRIES_MAX: usize = 5;

/// Reads `event attempt reference`.
pub(super) fn read(raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
    let sealed = raw.headers.iter().any(|(name, value)| name == SEAL && value == GENUINE);
    if !sealed {
        return Err(NotificationError::BadSignature);
    }
    let text = std::str::from_utf8(raw.body).map_err(|_| NotificationError::Malformed)?;
    let mut words = text.split(' ');
    let mut word = || words.next().ok_or(NotificationError::Malformed);
    let (event, attempt, reference) = (word()?, word()?, word()?);
    let subject = Subject::Payment {
        gateway_id: Some(reference.to_owned()),
        secondary_id: None,
        attempt: attempt.parse().ok(),
    };
    Ok(Notification::signed(event, subject))
}

impl Bank {
    /// Sends word of a payment, as the world lets it arrive.
    pub(super) fn tell(&self, attempt: AttemptId) {
        let mut book = self.book();
        book.events += 1;
        let event = format!("event-{:03}", book.events);
        let Some(payment) = book.payments.get(&attempt) else { return };
        let (gateway, body) = (payment.gateway, format!("{event} {attempt} {}", payment.reference));
        drop(book);
        if self.strikes(Trouble::Notices, 150) {
            self.trace.say(|| format!("bank: {event} ({}) is lost", short(attempt)));
            return;
        }
        let copies = if self.strikes(Trouble::Notices, 200) { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.strikes(Trouble::Notices, 100);
            let delay = if late { 1800..=3600 } else { 0..=60 };
            let delay = self.dice(|dice| dice.seconds(delay));
            let (bank, event, body) = (self.clone(), event.clone(), body.clone());
            self.executor.spawn(Group::World, async move {
                bank.executor.sleep(delay).await;
                bank.deliver(gateway, &event, &body).await;
            });
        }
    }

    async fn deliver(&self, gateway: &'static str, event: &str, body: &str) {
        for _ in 0..TRIES_MAX {
            let answer = self.send(gateway, body, GENUINE).await;
            self.trace.say(|| format!("bank: {event} is delivered: {answer:?}"));
            if answer == Some(200) {
                self.book().accepted.insert(event.to_owned());
                return;
            }
            let pause = self.dice(|dice| dice.seconds(5..=300));
            self.executor.sleep(pause).await;
        }
    }

    /// Sends what the bank never said, in its name. Gives the shop's answer.
    pub async fn forge(&self, attempt: AttemptId) -> Option<u16> {
        let body = format!("event-forged {attempt} pay_666");
        let answer = self.send(super::GATEWAYS[0], &body, "forged").await;
        self.trace.say(|| format!("somebody forges a notice of {}: {answer:?}", short(attempt)));
        answer
    }

    async fn send(&self, gateway: &'static str, body: &str, seal: &str) -> Option<u16> {
        let (body, seal) = (body.to_owned(), seal.to_owned());
        let asked = self.door.ask(&self.executor, move |process| async move {
            let headers = [(SEAL.to_owned(), seal)];
            let raw = RawNotification::post(&headers, body.as_bytes());
            process.cashier.receive(gateway, &raw).await
        });
        let reply: Option<RawReply> = asked.await.ok()?;
        reply.map(|reply| reply.status)
    }

    /// How long the bank's slowest notice takes, its repeated deliveries included.
    pub const fn slowest_notice() -> SignedDuration {
        SignedDuration::from_hours(2)
    }
}
