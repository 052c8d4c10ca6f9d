//! Our signature and theirs, by keys or by certificates.

use super::canonical::{self, Parameters};
use super::certificates;
use super::keys::{self, PrivateKey, PublicKey};
use super::wire::Envelope;
use super::{AlipaySettings, NAME};
use crate::answer::untrusted;
use crate::error::{GatewayError, NotificationError, SetupError};

/// Who signs what.
pub(super) struct Seal {
    ours: PrivateKey,
    theirs: Vec<Theirs>,
    /// The numbers of our certificate and of the root chain, where certificates are used.
    numbers: Option<[String; 2]>,
}

struct Theirs {
    /// The number of the certificate it stands in.
    number: Option<String>,
    key: PublicKey,
}

impl Seal {
    /// Reads what the settings name.
    pub fn of(settings: &AlipaySettings) -> Result<Self, SetupError> {
        let bad = |name: &str, why: &str| SetupError::BadSetting {
            gateway: NAME,
            why: format!("{name} {why}"),
        };
        let ours = PrivateKey::read(&settings.app_private_key)
            .map_err(|why| SetupError::BadSecret { gateway: NAME, why })?;
        let certificates = &settings.alipay_certificates;
        let (theirs, numbers) = match (&settings.app_certificate, certificates.is_empty()) {
            (None, true) => (Vec::new(), None),
            (Some(app), false) => {
                let app = certificates::one(app).map_err(|why| bad("app_certificate", why))?;
                if app.key.as_ref() != Some(&ours.public()) {
                    return Err(bad("app_certificate", "does not belong to app_private_key"));
                }
                let root = settings.alipay_root_certificates.as_deref().unwrap_or_default();
                let root = certificates::chain_number(root)
                    .map_err(|why| bad("alipay_root_certificates", why))?;
                let mut theirs = Vec::new();
                for pem in certificates {
                    let named = |why| bad("alipay_certificates", why);
                    let known = certificates::one(pem).map_err(named)?;
                    let key = known.key.ok_or_else(|| named("holds a key that is not RSA"))?;
                    theirs.push(Theirs { number: Some(known.number), key });
                }
                (theirs, Some([app.number, root]))
            }
            _ => {
                let why = "and alipay_certificates are used together or not at all";
                return Err(bad("app_certificate", why));
            }
        };
        let mut seal = Self { ours, theirs, numbers };
        for text in &settings.alipay_public_keys {
            let key = PublicKey::read(text).map_err(|why| bad("alipay_public_keys", why))?;
            if key == seal.ours.public() {
                let why = "holds our own public key; Alipay's is shown beside it";
                return Err(bad("alipay_public_keys", why));
            }
            seal.theirs.push(Theirs { number: None, key });
        }
        match (settings.alipay_public_keys.is_empty(), &seal.numbers) {
            (true, None) => {
                Err(bad("alipay_public_keys", "is empty, and there are no certificates"))
            }
            (false, Some(_)) => {
                Err(bad("alipay_public_keys", "is for an application without certificates"))
            }
            _ => Ok(seal),
        }
    }

    /// What a request says of our certificates.
    pub fn request_numbers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names = ["app_cert_sn", "alipay_root_cert_sn"];
        self.numbers
            .iter()
            .flat_map(move |numbers| names.into_iter().zip(numbers.iter().map(String::as_str)))
    }

    /// Our signature over `text`.
    pub fn sign(&self, text: &str) -> Result<String, GatewayError> {
        let signed = self.ours.sign(text);
        signed.ok_or_else(|| GatewayError::NotSent("the request cannot be signed".to_owned()))
    }

    /// A whole request with its signature, escaped.
    pub fn sealed(&self, parameters: &Parameters) -> Result<String, GatewayError> {
        let signature = self.sign(&canonical::of_request(parameters))?;
        Ok(canonical::escaped(parameters, &signature))
    }

    /// Whether the answer is signed, and refuses one that is signed wrongly. Some of their
    /// programs sign a `/` as it is and some as `\/`, so the other spelling is tried too.
    pub fn check(&self, envelope: &Envelope<'_>) -> Result<bool, GatewayError> {
        let Some(signature) = &envelope.signature else { return Ok(false) };
        if let (Some(number), Some(_)) = (&envelope.certificate, &self.numbers)
            && !self.theirs.iter().any(|key| key.number.as_ref() == Some(number))
        {
            let why = format!("signed with the certificate {number}, which the settings lack");
            return Err(untrusted(&why));
        }
        let content = envelope.content;
        let genuine = self.is_theirs(content, signature)
            || content.contains('/')
                && (self.is_theirs(&content.replace("\\/", "/"), signature)
                    || self.is_theirs(&content.replace('/', "\\/"), signature));
        if genuine { Ok(true) } else { Err(untrusted("signed by somebody else")) }
    }

    /// Whether a form is signed by them.
    pub fn check_form(&self, parameters: &Parameters) -> Result<(), NotificationError> {
        let signature = parameters.get("sign").ok_or(NotificationError::Unsigned)?;
        if parameters.get("sign_type").map(String::as_str) != Some("RSA2") {
            return Err(NotificationError::Unsigned);
        }
        if self.is_theirs(&canonical::of_notification(parameters), signature) {
            Ok(())
        } else {
            Err(NotificationError::BadSignature)
        }
    }

    fn is_theirs(&self, text: &str, signature: &str) -> bool {
        let signature = keys::signature(signature);
        signature.is_some_and(|signature| {
            self.theirs.iter().any(|theirs| theirs.key.verifies(text, &signature))
        })
    }
}
