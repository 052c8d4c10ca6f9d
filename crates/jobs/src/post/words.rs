//! What letters say.

use askama::Template;
use identity::{CODE_LASTS, Letter, LoginKind, Purpose, Says};
use store::outbox::Waiting;

use super::Sender;
use super::carrier::Message;

/// A letter in parts: the same for those who read text and those who look at pages.
#[derive(Template)]
#[template(path = "letter.html")]
struct Words<'a> {
    shop: &'a str,
    url: &'a str,
    subject: String,
    /// What it is about.
    opening: String,
    /// A code to be typed.
    code: Option<&'a str>,
    /// What to do, and where.
    button: Option<(&'static str, String)>,
    /// What to do when nobody asked for it.
    closing: &'static str,
}

/// The letter as it is carried; none when it says nothing.
pub(super) fn write(sender: &Sender, letter: &Letter, event: &Waiting) -> Option<Message> {
    let words = Words::of(sender, &letter.says)?;
    let host = sender.url.host_str().unwrap_or("localhost");
    let text = match letter.kind {
        LoginKind::Phone => words.short(host),
        LoginKind::Email | LoginKind::Username => words.plain(),
    };
    Some(Message {
        to: letter.to.clone(),
        html: words.render().unwrap_or_default(),
        text,
        subject: words.subject,
        id: format!("{}.{}@{host}", event.aggregate.simple(), event.seq),
        at: event.created_at,
    })
}

impl<'a> Words<'a> {
    fn of(sender: &'a Sender, says: &'a Says) -> Option<Self> {
        let shop = sender.shop.as_str();
        let at = |path: &str| {
            let base = sender.url.as_str().trim_end_matches('/');
            format!("{base}{path}")
        };
        let minutes = CODE_LASTS.as_mins();
        let words = Self {
            shop,
            url: sender.url.as_str(),
            subject: String::new(),
            opening: String::new(),
            code: None,
            button: None,
            closing: "",
        };
        Some(match says {
            Says::Nothing => return None,
            Says::Code { purpose, digits } => Self {
                subject: format!("{digits} is your code for {shop}"),
                opening: format!("{} It is good for {minutes} minutes.", asks(*purpose)),
                code: Some(digits),
                closing: "Give it to nobody: we never ask for it. If you did not ask for a code, \
                          somebody typed your address by mistake, and you need do nothing.",
                ..words
            },
            Says::HasAccount => Self {
                subject: format!("You already have an account at {shop}"),
                opening: "Somebody, perhaps you, wanted to make an account with this address. \
                          There is one already: just sign in. If you have forgotten your \
                          password, you can sign in with a code."
                    .to_owned(),
                button: Some(("Sign in", at("/login"))),
                closing: "If it was not you, you need do nothing: nobody has learnt that you \
                          have an account.",
                ..words
            },
            Says::PasswordChanged => Self {
                subject: format!("Your password at {shop} was changed"),
                opening: "Your password was changed, and other devices were signed out.".to_owned(),
                button: Some(("It was not me: set a new one", at("/forgotten"))),
                closing: "If it was you, you need do nothing.",
                ..words
            },
            Says::LoginChanged { kind, to } => Self {
                subject: format!("Your account at {shop} was changed"),
                opening: format!(
                    "Your account has {} from now on: {to}.",
                    match kind {
                        LoginKind::Phone => "a new telephone number",
                        LoginKind::Email => "a new e-mail address",
                        LoginKind::Username => "a new name",
                    }
                ),
                closing: "If it was you, you need do nothing. If it was not, write to us at once.",
                ..words
            },
            Says::PasswordDropped => Self {
                subject: format!("Your login at {shop} is confirmed"),
                opening: "You signed in with a code for the first time, so we know now that this \
                          is really yours. A password that was set before that no longer works, \
                          because anybody could have set it."
                    .to_owned(),
                button: Some(("Set a password", at("/forgotten"))),
                closing: "You can also go on signing in with codes.",
                ..words
            },
        })
    }

    /// For those who read mail as text.
    fn plain(&self) -> String {
        let code = self.code.map(|code| format!("\n    {code}\n")).unwrap_or_default();
        let button = self.button.as_ref().map(|(words, url)| format!("\n{words}:\n{url}\n"));
        let (opening, closing) = (wrapped(&self.opening), wrapped(self.closing));
        let Self { shop, url, .. } = self;
        let button = button.unwrap_or_default();
        format!("Hello,\n\n{opening}\n{code}{button}\n{closing}\n\n{shop}\n{url}\n")
    }

    /// For telephones. The last line of a code lets a telephone fill it in, on the pages of this
    /// host only (WICG "origin-bound one-time codes").
    fn short(&self, host: &str) -> String {
        match (self.code, &self.button) {
            (Some(code), _) => {
                let minutes = CODE_LASTS.as_mins();
                format!(
                    "{}. Good for {minutes} minutes. Give it to nobody.\n\n@{host} #{code}",
                    self.subject
                )
            }
            (None, Some((_, url))) => format!("{}. {url}", self.subject),
            (None, None) => format!("{}: {}", self.shop, self.opening),
        }
    }
}

fn asks(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Register => "Welcome! With this code you make your account.",
        Purpose::SignIn => "With this code you sign in.",
        Purpose::Reset => "With this code you set a new password.",
        Purpose::ChangeLogin => "With this code your account gets this address.",
    }
}

/// Lines of at most 72 characters, as mail is read in many places (RFC 3676, 4.2).
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut long = 0;
    for word in text.split_whitespace() {
        let chars = word.chars().count();
        if long > 0 && long + 1 + chars > 72 {
            lines.push('\n');
            long = 0;
        } else if long > 0 {
            lines.push(' ');
            long += 1;
        }
        lines.push_str(word);
        long += chars;
    }
    lines
}
