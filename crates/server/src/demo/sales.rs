//! A few orders in cash, so that the demo shop knows what is popular and its owner has something
//! to pack.

use flows::{CASH_ON_DELIVERY, Refusal, Shop, Source};
use identity::{AccountRefusal, AddressRefusal, Identity, NewAccount, NewAddress, PasswordPolicy};
use identity::{Role, addresses, generate_password};
use kernel::{AccountId, Error, VariantId};

/// Who buys: name, street, postcode, town, country.
const BUYERS: [(&str, &str, &str, &str, &str); 3] = [
    ("Ines Marques", "Rua das Flores 112", "4050-265", "Porto", "PT"),
    ("Jonas Weber", "Lindenstraße 8", "10969", "Berlin", "DE"),
    ("Maud Delacroix", "12 rue du Lac", "69003", "Lyon", "FR"),
];

/// What they buy: which of them, the article, how many.
const ORDERS: [(usize, &str, i64); 9] = [
    (0, "PLT-CHK", 6),
    (1, "CND-4", 3),
    (2, "JAR-10", 4),
    (0, "CND-4", 2),
    (1, "PLT-CHK", 4),
    (2, "TUM-4", 2),
    (0, "TUM-4", 1),
    (1, "JAR-05", 2),
    (2, "MUG-OAT", 2),
];

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub enum SaleError {
    /// A buyer could not be made.
    #[error("a buyer was not made: {0}")]
    Buyer(#[from] Error<AccountRefusal>),
    /// A buyer's address could not be kept.
    #[error("a buyer's address was not kept: {0}")]
    Address(#[from] Error<AddressRefusal>),
    /// An order was refused.
    #[error("an order was not placed: {0}")]
    Order(#[from] Error<Refusal>),
}

/// Places the orders. `variant` tells which variant an article is.
pub(super) async fn place(
    shop: &Shop,
    variant: impl Fn(&str) -> Option<VariantId>,
) -> Result<(), SaleError> {
    if !shop.settings.methods.iter().any(|method| method == CASH_ON_DELIVERY) {
        return Ok(());
    }
    let mut buyers = Vec::with_capacity(BUYERS.len());
    for buyer in &BUYERS {
        buyers.push(sign_up(shop, buyer).await?);
    }
    for (buyer, sku, quantity) in ORDERS {
        let (Some(&buyer), Some(variant_id)) = (buyers.get(buyer), variant(sku)) else { continue };
        let source = Source::BuyNow { variant_id, quantity };
        let quoted = shop.quote(buyer, source, None).await?;
        shop.place(buyer, &quoted.token, CASH_ON_DELIVERY).await?;
    }
    Ok(())
}

/// An account nobody can sign in to: its password is thrown away, so its hash need not cost much.
async fn sign_up(
    shop: &Shop,
    &(name, line1, postcode, city, country): &(&str, &str, &str, &str, &str),
) -> Result<AccountId, SaleError> {
    let cheap = PasswordPolicy { memory_kib: 64, passes: 1 };
    let identity = Identity::new(cheap, &shop.env).map_err(|policy| {
        Error::<AccountRefusal>::Fault(kernel::Fault::Broken(policy.to_string()))
    })?;
    let first = name.split(' ').next().unwrap_or(name).to_lowercase();
    let new = NewAccount {
        login: format!("{first}@demo.example"),
        password: generate_password(&shop.env),
        name: name.to_owned(),
    };
    let account = identity.create(&shop.db, &shop.env, new, Role::Customer).await?;
    let address = NewAddress {
        name: name.to_owned(),
        line1: line1.to_owned(),
        postcode: postcode.to_owned(),
        city: city.to_owned(),
        country: country.to_owned(),
        ..NewAddress::default()
    };
    let env = shop.env.clone();
    let id = account.id;
    shop.db.write(move |tx| addresses::add(tx, &env, id, address.clone()).map(|_| ())).await?;
    Ok(id)
}
