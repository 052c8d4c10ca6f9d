//! Statements on their way: sent one after the other without waiting for the answers between.
//!
//! The server works on them in the order they were sent, so what holds for a transaction that
//! waits after each statement holds here too; only the waiting is saved. An answer that is a fault
//! is met when somebody asks for a later answer, or at the end of the transaction.

use std::collections::VecDeque;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use kernel::Fault;
use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};

use super::session::fault;

/// What a statement answered.
enum Answer {
    Rows(Vec<Row>),
    Touched(u64),
    Nothing,
}

type Reply = Result<Answer, tokio_postgres::Error>;

enum Sent {
    Waiting(Pin<Box<dyn Future<Output = Reply>>>),
    Answered(Reply),
}

/// What the answer has to be like.
enum Wanted {
    Anything,
    /// So many rows were there to change.
    Touched(u64),
    /// Rows to be kept under this number until they are fetched.
    Rows(usize),
}

/// The statements of one transaction.
pub(super) struct Pipeline {
    client: Arc<Client>,
    sent: VecDeque<(Sent, Wanted)>,
    /// Rows that have come and were not fetched yet, by the number they were asked under.
    rows: Vec<Option<Vec<Row>>>,
    /// Time for an answer.
    patience: Duration,
    /// Whether the server has kept silent for longer than that.
    given_up: bool,
}

impl Pipeline {
    pub(super) fn new(client: Arc<Client>, patience: Duration) -> Self {
        Self { client, sent: VecDeque::new(), rows: Vec::new(), patience, given_up: false }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn is_over(&self) -> bool {
        self.given_up || self.client.is_closed()
    }

    /// Waits for an answer, but not for ever: a peer may take every byte and never say a word.
    pub(super) fn wait<T>(
        &mut self,
        runtime: &Runtime,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let silent = || Fault::Unavailable("the database does not answer".into());
        if self.given_up {
            return Err(silent());
        }
        let patience = self.patience;
        let waited = runtime.block_on(async { tokio::time::timeout(patience, answer).await });
        let Ok(answer) = waited else {
            self.given_up = true;
            return Err(silent());
        };
        answer.map_err(|e| fault(&e))
    }

    /// Forgets what was sent before. Answers still on their way find nobody.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.rows.clear();
    }

    /// Sends plain text, such as `begin`, together with whatever is sent next.
    pub(super) fn send_plain(&mut self, runtime: &Runtime, text: &'static str) {
        let client = self.client.clone();
        let reply = async move { client.batch_execute(text).await.map(|()| Answer::Nothing) };
        let sent = runtime.block_on(started(Box::pin(reply)));
        self.sent.push_back((sent, Wanted::Anything));
    }

    /// Sends a question; the rows are fetched by the number it gives.
    pub(super) fn send_question(
        &mut self,
        runtime: &Runtime,
        statement: Statement,
        params: Vec<Encoded>,
    ) -> usize {
        let client = self.client.clone();
        let reply =
            async move { client.query(&statement, &borrowed(&params)).await.map(Answer::Rows) };
        let number = self.rows.len();
        self.rows.push(None);
        // Questions are short: they go out together when somebody waits for an answer.
        let sent = runtime.block_on(started(Box::pin(reply)));
        self.sent.push_back((sent, Wanted::Rows(number)));
        number
    }

    /// Sends a statement without rows. When it is known how many rows it has to touch, another
    /// number is a fault.
    pub(super) fn send_order(
        &mut self,
        runtime: &Runtime,
        statement: Statement,
        params: Vec<Encoded>,
        touches: Option<u64>,
    ) {
        let client = self.client.clone();
        let reply = async move {
            client.execute(&statement, &borrowed(&params)).await.map(Answer::Touched)
        };
        let sent = runtime.block_on(async {
            let sent = started(Box::pin(reply)).await;
            // The connection's own task writes it to the socket: the server may begin while the
            // next set is put together.
            tokio::task::yield_now().await;
            sent
        });
        self.sent.push_back((sent, touches.map_or(Wanted::Anything, Wanted::Touched)));
    }

    /// Waits for the answers to all that was sent. Stops at the first fault. Gives the number of
    /// rows the last statement touched.
    pub(super) fn settle(&mut self, runtime: &Runtime) -> Result<u64, Fault> {
        let mut touched = 0;
        while let Some((sent, wanted)) = self.sent.pop_front() {
            let answer = match sent {
                Sent::Answered(reply) => reply.map_err(|e| fault(&e))?,
                Sent::Waiting(reply) => self.wait(runtime, reply)?,
            };
            match (answer, wanted) {
                (Answer::Rows(rows), Wanted::Rows(number)) => self.rows[number] = Some(rows),
                (Answer::Touched(count), Wanted::Touched(wanted)) if count != wanted => {
                    return Err(crate::tx::not_all_there(count, wanted));
                }
                (Answer::Touched(count), _) => touched = count,
                _ => {}
            }
        }
        Ok(touched)
    }

    /// The rows that were asked for under `number`.
    pub(super) fn fetch(&mut self, runtime: &Runtime, number: usize) -> Result<Vec<Row>, Fault> {
        if self.rows.get(number).is_some_and(Option::is_none) {
            self.settle(runtime)?;
        }
        let rows = self.rows.get_mut(number).and_then(Option::take);
        rows.ok_or_else(|| Fault::Broken("rows were fetched that nobody asked for".into()))
    }
}

/// Polls a request once, which is when the driver puts it into its queue.
async fn started(mut reply: Pin<Box<dyn Future<Output = Reply>>>) -> Sent {
    match poll_fn(|context| Poll::Ready(reply.as_mut().poll(context))).await {
        Poll::Ready(reply) => Sent::Answered(reply),
        Poll::Pending => Sent::Waiting(reply),
    }
}

fn borrowed(params: &[Encoded]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

/// A parameter as it goes over the wire, owned, so that the request can outlive what it was made
/// from.
#[derive(Debug)]
pub(super) struct Encoded {
    bytes: BytesMut,
    is_null: bool,
}

impl Encoded {
    /// The parameters of a statement, in its types.
    pub(super) fn all(
        statement: &Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Self>, Fault> {
        let types = statement.params();
        if types.len() != params.len() {
            return Err(Fault::Broken(format!(
                "a statement takes {} parameters and was given {}",
                types.len(),
                params.len()
            )));
        }
        let encode = |(param, ty): (&&(dyn ToSql + Sync), &Type)| {
            let mut bytes = BytesMut::new();
            let null = param.to_sql_checked(ty, &mut bytes);
            let null = null.map_err(|e| Fault::Broken(format!("a parameter: {e}")))?;
            Ok(Self { bytes, is_null: matches!(null, IsNull::Yes) })
        };
        params.iter().zip(types).map(encode).collect()
    }
}

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if self.is_null {
            return Ok(IsNull::Yes);
        }
        out.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
