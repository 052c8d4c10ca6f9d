//! What time does: holds of carts end, unpaid orders expire and give everything back.

use kernel::Fault;

use crate::lane::Command;
use crate::shop::Shop;

/// Rows one sweep takes up.
const SWEEP: i64 = 256;

impl Shop {
    /// Ends cart holds and expires unpaid orders whose time is over; gives how many of each.
    /// Call it again while it finds something.
    pub async fn sweep(&self) -> Result<(usize, usize), Fault> {
        let now = self.env.now();
        let (holds, orders) = self
            .db
            .read(move |read| {
                let holds = inventory::expired_cart_holds(read, now, SWEEP)?;
                let orders = orders::unpaid_after(read, now, SWEEP)?;
                Ok::<_, Fault>((holds, orders))
            })
            .await?;
        let found = (holds.len(), orders.len());
        if found != (0, 0) {
            kernel::crash_point!("sweep.found");
        }
        let holds = holds.into_iter().map(|(cart, variant)| Command::EndHold { cart, variant });
        let orders = orders.into_iter().map(|order| Command::Expire { order });
        self.lane.submit_all(holds.chain(orders)).await?;
        if found != (0, 0) {
            kernel::crash_point!("sweep.done");
        }
        Ok(found)
    }
}
