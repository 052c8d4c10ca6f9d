//! Placing an order: the quote's promise becomes an order, once.

use kernel::{AccountId, Error, Money, OrderId, Timestamp};
use orders::State;
use serde::{Deserialize, Serialize};

use crate::Answer;
use crate::lane::{Command, Done, Place};
use crate::refusal::Refusal;
use crate::shop::Shop;

/// An order that was placed, now or before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Placed {
    /// Which.
    pub id: OrderId,
    /// What people say.
    pub number: String,
    /// Where it stands: `pending`, or sold at once.
    pub state: State,
    /// How it is to be paid.
    pub payment_method: String,
    /// What is to be paid.
    pub total: Money,
    /// Units.
    pub item_count: i64,
    /// When it expires unless paid.
    pub pay_by: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Whether it was there before this request.
    pub replayed: bool,
}

impl Shop {
    /// Places the order a quote promises. The quote's id is the key: the same request again
    /// answers the same order, another request with it is refused.
    pub async fn place(
        &self,
        customer: AccountId,
        token: &str,
        payment_method: &str,
    ) -> Answer<Placed> {
        let quote = self.open_quote(token).map_err(Error::Refused)?;
        if quote.customer_id != customer {
            return Err(Error::Refused(Refusal::NotFound("quote")));
        }
        if !self.settings.methods.iter().any(|method| method == payment_method) {
            return Err(Error::Refused(Refusal::MethodUnknown(payment_method.to_owned())));
        }
        if quote.address.is_none() {
            return Err(Error::Refused(Refusal::AddressMissing));
        }
        // The token stands for everything in it; the way to pay is all that is asked beside it.
        let fingerprint = format!("{}:{payment_method}", &token[token.len().saturating_sub(43)..]);
        let place =
            Place { quote, payment_method: payment_method.to_owned(), fingerprint, again: 0 };
        match self.lane.submit(Command::Place(Box::new(place))).await? {
            Done::Placed(placed) => {
                kernel::crash_point!("flow.placed");
                Ok(placed)
            }
            other => Err(other.unexpected().into()),
        }
    }
}
