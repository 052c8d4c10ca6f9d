//! Calling an order off: everything is given back.

use kernel::{AccountId, OrderId};
use orders::Actor;
use store::idempotency::Key;

use crate::Answer;
use crate::lane::{Command, Who};
use crate::shop::Shop;

impl Shop {
    /// The buyer calls the order off, until it is packed. Money that came goes back.
    pub async fn cancel(&self, customer: AccountId, order: OrderId, key: Key) -> Answer<()> {
        let who = Who::Customer(customer);
        self.lane.submit(Command::Cancel { order, who, reason: None, key }).await?;
        kernel::crash_point!("flow.cancelled");
        Ok(())
    }

    /// Staff call the order off, until it is shipped. Money that came goes back.
    pub async fn cancel_for_shop(
        &self,
        staff: AccountId,
        order: OrderId,
        reason: Option<String>,
        key: Key,
    ) -> Answer<()> {
        let who = Who::Staff(staff);
        self.lane.submit(Command::Cancel { order, who, reason, key }).await?;
        Ok(())
    }
}

impl Who {
    pub(crate) fn actor(self) -> Actor {
        match self {
            Self::Customer(_) => Actor::Customer,
            Self::Staff(id) => Actor::Staff(id),
        }
    }
}
