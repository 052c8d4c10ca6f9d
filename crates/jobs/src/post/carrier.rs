//! The port of the post: somebody who carries a message.

use std::io::Write as _;

use async_trait::async_trait;
use kernel::Timestamp;

/// A message to one person, written out.
#[derive(Clone, Debug)]
pub struct Message {
    /// An address or a number.
    pub to: String,
    /// The line above; mail only.
    pub subject: String,
    /// The words.
    pub text: String,
    /// The same, to be looked at; mail only.
    pub html: String,
    /// The same whenever the same message is carried again: `<id>@<host>`.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
}

/// Why a message was not carried, in words that name neither its reader nor what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotCarried {
    /// Trying again may help.
    Later(String),
    /// It does not.
    Never(String),
}

/// Carries messages. The same one may be given again when it is not known whether it was carried.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Carries one.
    async fn carry(&self, message: &Message) -> Result<(), NotCarried>;
}

/// Shows messages on the console, for a shop that nobody has told how to send them.
pub struct Console;

#[async_trait]
impl Carrier for Console {
    async fn carry(&self, message: &Message) -> Result<(), NotCarried> {
        let mut shown = format!("\n-- to {} ", message.to);
        shown.extend(std::iter::repeat_n('-', 60_usize.saturating_sub(shown.chars().count())));
        shown.push('\n');
        shown.push_str(message.text.trim_end());
        shown.push_str("\n------------------------------------------------------------\n");
        // Nobody may be looking.
        let _ = std::io::stdout().lock().write_all(shown.as_bytes());
        Ok(())
    }
}
