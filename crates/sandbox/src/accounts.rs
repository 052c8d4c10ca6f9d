//! Who may call, and with what: one merchant at each provider.
//!
//! The published accounts are known to everybody. They protect nothing, because no money is here.

/// The merchant's accounts at the three providers.
#[derive(Clone)]
pub struct Accounts {
    /// At YooKassa.
    pub yookassa: YooKassaAccount,
    /// At Alipay.
    pub alipay: AlipayAccount,
    /// At Stripe.
    pub stripe: StripeAccount,
}

/// A test shop.
#[derive(Clone)]
pub struct YooKassaAccount {
    /// User of the Basic authentication.
    pub shop_id: String,
    /// Its password; more than one while it is being changed.
    pub secrets: Vec<String>,
}

/// An application, and the provider's own keys for it.
#[derive(Clone)]
pub struct AlipayAccount {
    /// The application.
    pub app_id: String,
    /// The application's public key, PEM (SPKI).
    pub app_public: String,
    /// The provider's private key, PEM (PKCS#1): it signs answers and notifications.
    pub alipay_private: String,
    /// Who gets the money.
    pub seller_id: String,
    /// For applications that use certificates.
    pub certificates: Certificates,
}

/// Certificate mode: the serial numbers by which the two sides name their certificates.
#[derive(Clone)]
pub struct Certificates {
    /// The application's certificate.
    pub app_sn: String,
    /// The chain of roots: those with RSA signatures.
    pub root_sn: String,
    /// The provider's certificate.
    pub alipay_sn: String,
    /// The provider's certificate, PEM, for whoever wants to download it.
    pub alipay_certificate: String,
}

/// An account in test mode.
#[derive(Clone)]
pub struct StripeAccount {
    /// Secret API keys, `sk_test_…`.
    pub keys: Vec<String>,
}

/// The secret of the webhook endpoint that is registered at the start.
pub const STRIPE_WEBHOOK_SECRET: &str = "whsec_holdfast_test_0123456789abcdef";

impl Accounts {
    /// The published test accounts.
    pub fn published() -> Self {
        let owned = str::to_owned;
        Self {
            yookassa: YooKassaAccount {
                shop_id: owned("100500"),
                secrets: vec![owned("test_HoldfastSecretKey0123456789")],
            },
            alipay: AlipayAccount {
                app_id: owned("2021000000000000"),
                app_public: owned(include_str!("../tests/keys/app_public.pem")),
                alipay_private: owned(include_str!("../tests/keys/alipay_private_pkcs1.pem")),
                seller_id: owned("2088101122136669"),
                certificates: Certificates {
                    app_sn: owned("dd7728d2cd83270e4cab653218150e87"),
                    root_sn: owned("9126e2a2bb73c0126a5a1b190b8e7ff5"),
                    alipay_sn: owned("98b0c71d757de45a9cba9cec2aaaf564"),
                    alipay_certificate: owned(include_str!("../tests/keys/alipay_cert.crt")),
                },
            },
            stripe: StripeAccount { keys: vec![owned("sk_test_HoldfastSandbox0123456789")] },
        }
    }
}

/// The shop's side of the published accounts: what a shop that tries this sandbox is set up with.
pub mod published {
    /// The application's private key, with which the shop signs for Alipay. PEM, PKCS#1.
    pub const APP_PRIVATE_KEY: &str = include_str!("../tests/keys/app_private_pkcs1.pem");
    /// The public key with which the shop checks what Alipay says. PEM, SPKI.
    pub const ALIPAY_PUBLIC_KEY: &str = include_str!("../tests/keys/alipay_public.pem");
    /// Certificate mode: the application's certificate.
    pub const APP_CERTIFICATE: &str = include_str!("../tests/keys/app_cert.crt");
    /// Certificate mode: Alipay's certificate.
    pub const ALIPAY_CERTIFICATE: &str = include_str!("../tests/keys/alipay_cert.crt");
    /// Certificate mode: the roots, of which the one with an RSA signature counts.
    pub const ROOT_CERTIFICATES: &str = include_str!("../tests/keys/alipay_root_chain.crt");
}
