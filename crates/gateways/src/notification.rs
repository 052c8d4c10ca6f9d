//! Messages a provider sends us, before and after they are read.

use std::net::IpAddr;

use kernel::{AttemptId, RefundId};

/// A notification as it came in, nothing believed yet.
#[derive(Clone, Copy, Debug)]
pub struct RawNotification<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// What stood behind the `?`, undecoded; empty if nothing did.
    pub query: &'a str,
    /// Header names (in any case) and values, in order.
    pub headers: &'a [(String, String)],
    /// The body, byte for byte: signatures are over these.
    pub body: &'a [u8],
    /// Who connected, seen behind trusted proxies. `None` when it cannot be known.
    pub source_ip: Option<IpAddr>,
}

impl<'a> RawNotification<'a> {
    /// A `POST` from nobody knows where.
    pub const fn post(headers: &'a [(String, String)], body: &'a [u8]) -> Self {
        Self { method: "POST", query: "", headers, body, source_ip: None }
    }

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
    /// How sure it is that it is theirs.
    pub trust: Trust,
    /// Set when it is theirs and yet not meant for us, as far as our settings tell: another
    /// account, another application, play money or real. It is kept and answered, nothing else
    /// is done about it, and somebody has to look.
    pub mismatch: Option<String>,
}

impl Notification {
    /// A signed one, for us.
    pub fn signed(dedupe_key: impl Into<String>, subject: Subject) -> Self {
        Self { dedupe_key: dedupe_key.into(), subject, trust: Trust::Signed, mismatch: None }
    }
}

/// How sure it is that a notification is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Signed by them.
    Signed,
    /// It came from one of their addresses.
    SourceIpOnly,
    /// Nothing proves it.
    Unverified,
}

/// What to fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A payment.
    Payment {
        /// The provider's id, if they told it.
        gateway_id: Option<String>,
        /// Their other id, if they told it.
        secondary_id: Option<String>,
        /// Our attempt, if they returned one.
        attempt: Option<AttemptId>,
    },
    /// A refund.
    Refund {
        /// The provider's id.
        gateway_id: String,
        /// Our refund, if they returned one (none when it was made in their cabinet).
        refund: Option<RefundId>,
        /// The provider's id of the payment, the one or the other of two.
        payment_id: Option<String>,
    },
    /// The payer wants their money back by way of their bank.
    Dispute {
        /// The provider's id of it.
        gateway_id: String,
        /// The provider's id of the payment, the one or the other of two.
        payment_id: Option<String>,
    },
    /// Nothing we deal in.
    Other {
        /// In the provider's word.
        kind: String,
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
