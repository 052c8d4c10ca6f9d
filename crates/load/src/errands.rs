//! Many requests that are not measured, over many connections, with a progress bar: preparing a
//! shop, checking orders.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use indicatif::ProgressBar;
use tokio::task::JoinSet;

use crate::client::Connection;
use crate::drive::style;

/// Connections used at most.
const CONNECTIONS_MAX: usize = 32;

/// Something to do once for each number.
pub trait Errand: Send + Sync + 'static {
    type Brings: Send + 'static;

    /// Does it for one number.
    fn run(
        &self,
        connection: &mut Connection,
        index: usize,
    ) -> impl Future<Output = anyhow::Result<Self::Brings>> + Send;
}

/// What the errands bring, in the order of the numbers; the first failure ends all.
pub async fn run_all<E: Errand>(
    label: &str,
    address: SocketAddr,
    count: usize,
    errand: E,
) -> anyhow::Result<Vec<E::Brings>> {
    let bar = ProgressBar::new(count.try_into().unwrap_or(u64::MAX));
    bar.set_style(style());
    bar.set_prefix(label.to_owned());
    let (errand, next) = (Arc::new(errand), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..count.min(CONNECTIONS_MAX) {
        let (errand, next, bar) = (Arc::clone(&errand), Arc::clone(&next), bar.clone());
        tasks.spawn(async move {
            let mut connection = Connection::to(address);
            let mut brought = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return anyhow::Ok(brought);
                }
                brought.push((index, errand.run(&mut connection, index).await?));
                bar.inc(1);
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined.context("a task failed")??);
    }
    bar.finish_and_clear();
    all.sort_unstable_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, brought)| brought).collect())
}
