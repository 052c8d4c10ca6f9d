//! Counting: what came in, what was found or broken.

use inventory::Stock;
use kernel::{AccountId, VariantId};
use store::idempotency::Key;

use crate::Answer;
use crate::lane::{Command, Done};
use crate::shop::Shop;

impl Shop {
    /// Adds (or removes, when negative) units of a variant, for a reason. Never below what is
    /// held.
    pub async fn adjust_stock(
        &self,
        staff: AccountId,
        variant: VariantId,
        delta: i64,
        reason: String,
        key: Key,
    ) -> Answer<Stock> {
        #[cfg(feature = "planted")]
        if kernel::planted::is(kernel::planted::Bug::StockOutsideLock) {
            return self.adjust_without_lock(variant, delta).await;
        }
        match self.lane.submit(Command::Adjust { variant, delta, staff, reason, key }).await? {
            Done::Adjusted { variant_id, product_id, on_hand, held, sold } => {
                kernel::crash_point!("flow.adjusted");
                Ok(Stock { variant_id, product_id, on_hand, held, sold })
            }
            other => Err(other.unexpected().into()),
        }
    }

    /// The bug `StockOutsideLock`: what was read may have changed before it is written.
    #[cfg(feature = "planted")]
    async fn adjust_without_lock(&self, variant: VariantId, delta: i64) -> Answer<Stock> {
        let before =
            self.db.read(move |read| inventory::levels(read, [variant])?.one(read)).await?;
        let missing = || kernel::Error::Refused(crate::Refusal::NotFound("variant"));
        let mut stock = before.ok_or_else(missing)?;
        stock.on_hand = (stock.on_hand + delta).max(stock.held);
        self.db.write(move |tx| inventory::overwrite(tx, stock)).await?;
        Ok(stock)
    }
}
