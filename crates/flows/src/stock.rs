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
        match self.lane.submit(Command::Adjust { variant, delta, staff, reason, key }).await? {
            Done::Adjusted { variant_id, product_id, on_hand, held, sold } => {
                kernel::crash_point!("flow.adjusted");
                Ok(Stock { variant_id, product_id, on_hand, held, sold })
            }
            other => Err(other.unexpected().into()),
        }
    }
}
