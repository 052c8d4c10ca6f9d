//! Money meets an order. One function settles, whoever brings the news: the return page, a
//! notice, a poll.

use kernel::{AccountId, AttemptId, Currency, Money, OrderId, Rate, RefundId};
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
    /// What is to be paid there.
    pub amount: Money,
    /// Where the payer goes, when the gateway has already said.
    pub redirect_url: Option<String>,
    /// When the order expires.
    pub pay_by: Option<kernel::Timestamp>,
}

/// What is told to a gateway when a payment is opened there, beside the order's own sum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Where.
    pub gateway: String,
    /// In which currency, and how many units of it one of the order's costs; none in the order's
    /// own. It is fixed with the attempt.
    pub rate: Option<(Currency, Rate)>,
    /// Whether the money is first reserved, and taken by a second call.
    pub two_stage: bool,
    /// Until when the payer may pay, where the gateway cannot be told when the order ends.
    pub deadline: Option<kernel::Timestamp>,
    /// All else that the gateway is told, JSON: kept with the attempt, so that the call is the
    /// same when it is made again.
    pub details: String,
}

impl Opening {
    /// At this gateway, paid at once, with nothing else to tell.
    pub fn at(gateway: &str) -> Self {
        let (gateway, details) = (gateway.to_owned(), "{}".to_owned());
        Self { gateway, rate: None, two_stage: false, deadline: None, details }
    }
}

/// What news did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NewsEffect {
    /// Nothing new.
    Nothing,
    /// The payer may pay.
    Waiting,
    /// The payer has done their part; the order waits for the bank.
    Processing,
    /// The money is reserved, and the order has claimed it: it is to be taken.
    Capturing,
    /// The money is reserved, and nobody wants it: it is to be let go.
    Voiding,
    /// Nobody wants it paid any more: it is to be called off.
    Closing,
    /// The order is paid.
    Settled,
    /// The order had expired; its units were still there, and it is paid.
    SettledLate,
    /// The order does not want the money any more: it goes back.
    SentBack,
    /// Somebody gave money back in the gateway's own books.
    GivenBack,
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
            Self::Processing => "waiting for the bank",
            Self::Capturing => "to be taken",
            Self::Voiding => "to be let go",
            Self::Closing => "to be called off",
            Self::Settled => "settled",
            Self::SettledLate => "settled late",
            Self::SentBack => "sent back",
            Self::GivenBack => "given back elsewhere",
            Self::Over => "over",
            Self::Review => "to be reviewed",
        }
    }
}

/// What a gateway says of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundNews {
    /// Which.
    pub refund_id: RefundId,
    /// Its order.
    pub order_id: OrderId,
    /// Pending, succeeded or failed.
    pub says: RefundState,
    /// The gateway's id of it.
    pub reference: Option<String>,
    /// Why it failed, in the gateway's word.
    pub failure: Option<String>,
}

/// Money that went back at the gateway without our asking: in its own pages, or because the
/// payer's bank took it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoneBack {
    /// The order.
    pub order_id: OrderId,
    /// The attempt whose money it was.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount: Money,
    /// Why, in words.
    pub why: String,
    /// What it goes by at the gateway: under one name money goes back once.
    pub name: String,
}

/// What of an order's money is to go back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RefundOf {
    /// Units of its lines, at what was paid for them.
    Lines(Vec<RefundOfLine>),
    /// A sum, minor units of the order's currency.
    Amount(i64),
    /// All that is left, delivery and tax included.
    Rest {
        /// Whether the units that are still out go back on the shelf.
        restock: bool,
    },
}

/// Units of a line whose money is to go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefundOfLine {
    /// The line's position in the order: 1, 2, 3 …
    pub position: i64,
    /// How many.
    pub quantity: i64,
    /// Whether they go back on the shelf.
    pub restock: bool,
}

/// A refund that staff ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundWish {
    /// What is to go back.
    pub of: RefundOf,
    /// Why, in words.
    pub reason: String,
}

impl Shop {
    /// Means to pay an order at a gateway: commits an attempt, or finds the one under way; what
    /// was begun elsewhere is called off. The gateway is called afterwards, outside any
    /// transaction.
    pub async fn intend_payment(
        &self,
        customer: AccountId,
        order: OrderId,
        opening: Opening,
        key: Key,
    ) -> Answer<Paying> {
        self.intend_payment_as(self.env.id(), customer, order, opening, key).await
    }

    /// As [`Shop::intend_payment`], where the attempt's id is part of what the gateway is told.
    pub async fn intend_payment_as(
        &self,
        attempt: AttemptId,
        customer: AccountId,
        order: OrderId,
        opening: Opening,
        key: Key,
    ) -> Answer<Paying> {
        match self.lane.submit(Command::Pay { order, customer, attempt, opening, key }).await? {
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

    /// Leaves an attempt to a person: nothing happens to it by itself any more.
    pub async fn freeze_payment(
        &self,
        order: OrderId,
        attempt: AttemptId,
        why: String,
    ) -> Answer<()> {
        self.lane.submit(Command::Freeze { order, attempt, why }).await?;
        Ok(())
    }

    /// Books what a gateway kept of a payment; once.
    pub async fn book_fee(&self, order: OrderId, attempt: AttemptId, fee: Money) -> Answer<()> {
        self.lane.submit(Command::Fee { order, attempt, fee }).await?;
        Ok(())
    }

    /// Staff give money of an order back. It is promised at once, so that nobody else can promise
    /// it too; the gateway is asked afterwards.
    pub async fn refund(
        &self,
        staff: AccountId,
        order: OrderId,
        wish: RefundWish,
        key: Key,
    ) -> Answer<RefundId> {
        let refund = self.env.id();
        match self.lane.submit(Command::Refund { order, staff, refund, wish, key }).await? {
            Done::Refunding(refund) => Ok(refund),
            other => Err(other.unexpected().into()),
        }
    }

    /// Takes in what a gateway says of a refund.
    pub async fn refund_news(&self, news: RefundNews) -> Answer<()> {
        self.lane.submit(Command::RefundHeard(news)).await?;
        Ok(())
    }

    /// Writes down money that went back at the gateway without our asking; once for its name, and
    /// never more than is left.
    pub async fn gone_back(&self, back: GoneBack) -> Answer<NewsEffect> {
        match self.lane.submit(Command::GoneBack(back)).await? {
            Done::News(effect) => Ok(effect),
            other => Err(other.unexpected().into()),
        }
    }

    /// Staff record that the courier brought the cash of an order, or that the payer refused it
    /// at the door; then the order is over, and its units go back on the shelf.
    pub async fn cash(
        &self,
        staff: AccountId,
        order: OrderId,
        received: bool,
        key: Key,
    ) -> Answer<()> {
        let attempt = self.env.id();
        self.lane.submit(Command::Cash { order, staff, attempt, received, key }).await?;
        Ok(())
    }
}
