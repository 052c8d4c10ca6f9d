//! From paid to delivered.

use kernel::{AccountId, OrderId};
use orders::State;
use store::idempotency::Key;

use crate::Answer;
use crate::lane::Command;
use crate::shop::Shop;

impl Shop {
    /// Staff move the order on: packed, shipped, delivered.
    pub async fn advance(
        &self,
        staff: AccountId,
        order: OrderId,
        to: State,
        key: Key,
    ) -> Answer<()> {
        self.lane.submit(Command::Advance { order, to, staff, key }).await?;
        kernel::crash_point!("flow.advanced");
        Ok(())
    }
}
