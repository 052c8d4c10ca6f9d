//! Mail by SMTP (RFC 5321), over connections that are kept.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::carrier::{Carrier, Message, NotCarried};

/// For one command and its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Connections to the mail server at one time.
const CONNECTIONS: u32 = 8;

/// How mail is sent.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, or
    /// `smtp://127.0.0.1:25` without any protection.
    pub url: String,
    /// Whom it is from: `Holdfast <shop@example.org>`.
    pub from: String,
}

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailInvalid {
    /// The address of the server. It is not repeated: it has a password in it.
    #[error("this is not the address of a mail server")]
    Url,
    /// Whom it is from.
    #[error("this is not an address to send mail from: {0}")]
    From(String),
}

/// Carries messages to a mail server.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mail {
    /// Connects when there is something to carry.
    pub fn new(settings: &MailSettings) -> Result<Self, MailInvalid> {
        let from = settings.from.parse();
        let from = from.map_err(|_| MailInvalid::From(settings.from.clone()))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url)
            .map_err(|_| MailInvalid::Url)?
            .timeout(Some(ANSWER_WITHIN))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        Ok(Self { transport, from })
    }
}

#[async_trait]
impl Carrier for Mail {
    async fn carry(&self, message: &Message) -> Result<(), NotCarried> {
        let unfit = |_| NotCarried::Never("the address does not fit a mail".into());
        let to: Mailbox = message.to.parse().map_err(unfit)?;
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.subject)
            .date(SystemTime::from(message.at))
            .message_id(Some(format!("<{}>", message.id)))
            .raw_header(automatic)
            .multipart(MultiPart::alternative_plain_html(
                message.text.clone(),
                message.html.clone(),
            ))
            .map_err(|_| NotCarried::Never("the mail could not be written".into()))?;
        self.transport.send(mail).await.map(|_| ()).map_err(|error| sort(&error))
    }
}

/// What a mail server answers may name the reader: only its number is kept.
fn sort(error: &Error) -> NotCarried {
    let number = error.status().map(|status| status.to_string());
    match number {
        // 5yz: "the command was not accepted", but for those that are about us and not about this
        // mail: who we are (530, 535) and what the server can do at all (RFC 5321, 4.2.1).
        Some(number) if error.is_permanent() && !number.starts_with("53") => {
            NotCarried::Never(format!("the mail server refused it: {number}"))
        }
        Some(number) => NotCarried::Later(format!("the mail server put it off: {number}")),
        None if error.is_timeout() => NotCarried::Later("the mail server did not answer".into()),
        None if error.is_tls() => {
            NotCarried::Later("the mail server could not be trusted (TLS)".into())
        }
        None => NotCarried::Later("the mail server could not be reached".into()),
    }
}
