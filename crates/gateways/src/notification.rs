//! Messages a provider sends us, before and after they are read.

use std::net::IpAddr;

use kernel::{AttemptId, RefundId};

/// A notification as it came in, nothing believed yet.
#[derive(Clone, Copy, Debug)]
pub struct RawNotification<'a> {
    /// Header names (in any case) and values, in order.
    pub headers: &'a [(String, String)],
    /// The body, byte for byte: signatures are over these.
    pub body: &'a [u8],
    /// Who connected, seen behind trusted proxies. `None` when it cannot be known.
    pub source_ip: Option<IpAddr>,
}

impl<'a> RawNotification<'a> {
    /// The one header of this name; `None` also when there are two, which nobody honest sends.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// What a genuine notification is about. It only says what to fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// The same for every delivery of one event, unique within a gateway.
    pub dedupe_key: String,
    /// What to fetch.
    pub subject: Subject,
}

/// What to fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A payment.
    Payment {
        /// The provider's id.
        gateway_id: String,
        /// Our attempt, if they returned one.
        attempt: Option<AttemptId>,
    },
    /// A refund.
    Refund {
        /// The provider's id.
        gateway_id: String,
        /// Our refund, if they returned one (none when it was made in their cabinet).
        refund: Option<RefundId>,
    },
}

/// What became of a notification on our side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acknowledgement {
    /// It is in the inbox (or was already): do not send it again.
    Stored,
    /// It is not theirs, or not readable.
    Rejected,
    /// We could not store it: send it again later.
    TryAgain,
}

/// What to answer over HTTP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawReply {
    /// Status code.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The whole body.
    pub body: &'static str,
}

impl RawReply {
    /// A line of plain text.
    pub const fn text(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body }
    }
}
