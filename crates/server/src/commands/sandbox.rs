//! `holdfast sandbox`

use std::process::ExitCode;
use std::time::Duration;

use kernel::Env;
use sandbox::{Accounts, STRIPE_WEBHOOK_SECRET, Sandbox, SandboxConfig, published};

use super::serve::{start_log, stop};
use crate::cli;
use crate::config::Config;

pub(super) async fn run(args: cli::Sandbox) -> anyhow::Result<ExitCode> {
    let accounts = Accounts::published();
    if args.accounts {
        print_accounts(&accounts);
        return Ok(ExitCode::SUCCESS);
    }
    start_log(&Config::load(&cli::Settings::default())?.log)?;
    let mut config = SandboxConfig::new(args.listen, args.secret, Env::system());
    config.data = args.data;
    config.seed = args.seed;
    config.yookassa_hook = args.yookassa_webhook;
    config.stripe_hook = args.stripe_webhook;
    config.redelivery =
        args.redelivery.map(|waits| waits.into_iter().map(Duration::from_millis).collect());
    let secret = config.secret.clone();
    let sandbox = Sandbox::start(config).await?;
    greet(&sandbox.base_url(), &secret, &accounts);
    stop()?.await;
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn greet(url: &str, secret: &str, accounts: &Accounts) {
    let key = |keys: &[String]| keys.first().cloned().unwrap_or_default();
    println!("The payment sandbox is ready on {url}. No money moves here.\n");
    println!("  YooKassa          {url}/v3");
    println!("    shop            {}", accounts.yookassa.shop_id);
    println!("    secret key      {}", key(&accounts.yookassa.secrets));
    println!("  Alipay            {url}/gateway.do");
    println!("    app             {}", accounts.alipay.app_id);
    println!("    seller          {}", accounts.alipay.seller_id);
    println!("    keys            holdfast sandbox --accounts");
    println!("  Stripe            {url}/v1");
    println!("    secret key      {}", key(&accounts.stripe.keys));
    println!("    webhook secret  {STRIPE_WEBHOOK_SECRET}");
    println!("  control plane     {url}/__ctl");
    println!("    bearer token    {secret}");
    println!("\nThe accounts are published test accounts: they open nothing else. Ctrl-C stops.");
}

fn print_accounts(accounts: &Accounts) {
    let names = &accounts.alipay.certificates;
    println!("Published test accounts: known to everybody, and protecting nothing.\n");
    println!("YooKassa shop {}", accounts.yookassa.shop_id);
    println!("YooKassa secret key {}", accounts.yookassa.secrets.join(" "));
    println!("Stripe secret key {}", accounts.stripe.keys.join(" "));
    println!("Stripe webhook secret {STRIPE_WEBHOOK_SECRET}");
    println!("Alipay app {}", accounts.alipay.app_id);
    println!("Alipay seller {}", accounts.alipay.seller_id);
    println!("Alipay app_cert_sn {}", names.app_sn);
    println!("Alipay alipay_root_cert_sn {}", names.root_sn);
    println!("Alipay alipay_cert_sn {}", names.alipay_sn);
    for (title, pem) in [
        ("Alipay: the application's private key", published::APP_PRIVATE_KEY),
        ("Alipay: the provider's public key", published::ALIPAY_PUBLIC_KEY),
        ("Alipay: the application's certificate", published::APP_CERTIFICATE),
        ("Alipay: the provider's certificate", published::ALIPAY_CERTIFICATE),
        ("Alipay: the root certificates", published::ROOT_CERTIFICATES),
    ] {
        println!("\n{title}\n{pem}");
    }
}
