//! How letters to people are sent, and what a shop wants to know of who makes an account.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use anyhow::Context;
use identity::CodeTerms;
use jobs::post::{Carrier, Console, HttpSms, MailSettings, Sender, SmsSettings};
use serde::Deserialize;
use url::Url;

use crate::config::Config;

/// `[accounts]`
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Whether the people of the shop need a second factor.
    pub second_factor: SecondFactor,
    /// Whether an account needs a code.
    pub confirm: bool,
    /// Codes for one login in an hour.
    pub codes_per_login_hour: u32,
    /// Codes for one login in a day.
    pub codes_per_login_day: u32,
    /// Codes for one network in an hour.
    pub codes_per_network_hour: u32,
    /// Codes by mail in a day.
    pub mails_per_day: u32,
    /// Codes by SMS in a day.
    pub sms_per_day: u32,
}

/// Whether the people of the shop need a second factor.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Without one they may do nothing but set one up.
    Required,
    /// Whoever has one is asked for it.
    Off,
}

/// `[mail]`
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// What the shop is called.
    pub shop: String,
    /// The mail server; empty for the console.
    pub url: String,
    /// A file that has it.
    pub url_file: String,
    /// Whom mail is from.
    pub from: String,
}

/// `[sms]`
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// Where the provider takes messages; empty for the console.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// The body.
    pub body: String,
    /// What stands above it.
    pub headers: BTreeMap<String, String>,
}

// Addresses and headers have passwords in them.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sms").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Accounts {
    /// What `identity` wants to know.
    pub fn terms(&self) -> CodeTerms {
        CodeTerms {
            confirm: self.confirm,
            per_login_hour: self.codes_per_login_hour.into(),
            per_login_day: self.codes_per_login_day.into(),
            per_network_hour: self.codes_per_network_hour.into(),
            mail_per_day: self.mails_per_day.into(),
            sms_per_day: self.sms_per_day.into(),
        }
    }
}

/// Who carries letters, and whether some of them only go to the console.
pub fn sender(config: &Config, public_url: &Url) -> anyhow::Result<Sender> {
    let (mail, sms) = (mail(&config.mail)?, sms(&config.sms)?);
    Ok(Sender { shop: config.mail.shop.clone(), url: public_url.clone(), mail, sms })
}

fn mail(config: &Mail) -> anyhow::Result<Arc<dyn Carrier>> {
    let url = match config.url_file.as_str() {
        "" => config.url.clone(),
        path => read(path).context("mail.url_file")?,
    };
    if url.is_empty() {
        return Ok(Arc::new(Console));
    }
    let settings = MailSettings { url, from: config.from.clone() };
    Ok(Arc::new(jobs::post::Mail::new(&settings).context("[mail]")?))
}

fn sms(config: &Sms) -> anyhow::Result<Arc<dyn Carrier>> {
    if config.url.is_empty() {
        return Ok(Arc::new(Console));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in &config.headers {
        match name.strip_suffix("_file") {
            Some(name) => {
                let value = read(value).with_context(|| format!("sms.headers.{name}_file"))?;
                headers.insert(name.to_owned(), value);
            }
            None => drop(headers.insert(name.clone(), value.clone())),
        }
    }
    let Sms { url, method, body, .. } = config.clone();
    Ok(Arc::new(HttpSms::new(&SmsSettings { url, method, headers, body }).context("[sms]")?))
}

fn read(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    Ok(text.trim().to_owned())
}
