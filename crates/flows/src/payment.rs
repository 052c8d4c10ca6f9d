//! Money meets an order. One function settles, whoever brings the news: the return page, a
//! notice, a poll.

use kernel::{AccountId, AttemptId, Money, OrderId, RefundId};
use payments::{News, RefundState};
use serde::{Deserialize, Serialize};
use store::idempotency::Key;

use crate::Answer;
use crate::lane::{Command, Done};
use crate::shop::Shop;

/// An attempt to pay that was meant, or was already under way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Paying {
    /// Which.
    pub attempt_id: AttemptId,
    /// The order.
    pub order_id: OrderId,
    /// The order's number, for the gateway's page.
    pub number: String,
    /// Where.
    pub gateway: String,
    /// What is to be paid.
    pub amount: Money,
    /// Where the payer goes, when the gateway has already said.
    pub redirect_url: Option<String>,
    /// When the order expires.
    pub pay_by: Option<kernel::Timestamp>,
}

/// What news did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NewsEffect {
    /// Nothing new.
    Nothing,
    /// The payer may pay.
    Waiting,
    /// The order is paid.
    Settled,
    /// The order had expired; its units were still there, and it is paid.
    SettledLate,
    /// The order does not want the money any more: it goes back.
    SentBack,
    /// Nothing will come.
    Over,
    /// A person has to look.
    Review,
}

impl NewsEffect {
    /// In a word, for logs and histories.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing new",
            Self::Waiting => "waiting for the payer",
            Self::Settled => "settled",
            Self::SettledLate => "settled late",
            Self::SentBack => "sent back",
            Self::Over => "over",
            Self::Review => "to be reviewed",
        }
    }
}

/// How a refund ended at the gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundEnd {
    /// Which.
    pub refund_id: RefundId,
    /// Its order.
    pub order_id: OrderId,
    /// Succeeded or failed, for good.
    pub state: RefundState,
    /// The gateway's id of it.
    pub reference: Option<String>,
}

impl Shop {
    /// Means to pay an order at a gateway: commits an attempt, or finds the one under way. The
    /// gateway is called afterwards, outside any transaction.
    pub async fn intend_payment(
        &self,
        customer: AccountId,
        order: OrderId,
        gateway: &str,
        key: Key,
    ) -> Answer<Paying> {
        let attempt: AttemptId = self.env.id();
        let gateway = gateway.to_owned();
        match self.lane.submit(Command::Pay { order, customer, gateway, attempt, key }).await? {
            Done::Paying(paying) => Ok(paying),
            other => Err(other.unexpected().into()),
        }
    }

    /// Takes in what a gateway says of an attempt, fetched from the gateway itself.
    pub async fn payment_news(
        &self,
        order: OrderId,
        attempt: AttemptId,
        news: News,
    ) -> Answer<NewsEffect> {
        match self.lane.submit(Command::News { order, attempt, news }).await? {
            Done::News(effect) => Ok(effect),
            other => Err(other.unexpected().into()),
        }
    }

    /// Takes in how a refund ended.
    pub async fn refund_ended(&self, end: RefundEnd) -> Answer<()> {
        self.lane.submit(Command::RefundEnded(end)).await?;
        Ok(())
    }
}
