//! What a scenario finds in the shop when it begins: products with stock, buyers with addresses.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;

use hyper::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::api::{self, Product, Token};
use crate::cli::Common;
use crate::client::Connection;
use crate::errands::{Errand, run_all};
use crate::shop::Shop;

/// Stock that no run uses up.
pub const PLENTY: u64 = 100_000_000;

/// A customer who can be sent to buy.
#[derive(Clone, Debug)]
pub struct Buyer {
    pub token: Token,
    pub address: Uuid,
}

/// Names what a run makes, so that runs against one shop do not meet; and a seed nobody chose.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub tag: u32,
    pub seed: u64,
}

impl Draw {
    /// The seed of the command line, or one from the operating system's randomness; the tag never
    /// depends on the seed.
    pub fn new(seed: Option<u64>) -> Self {
        // The one source of randomness in the standard library is the key of its hash maps.
        let drawn = RandomState::new().hash_one(std::process::id());
        let tag = u32::try_from(drawn >> 32).unwrap_or_default();
        Self { tag, seed: seed.unwrap_or(drawn & 0xffff_ffff) }
    }

    /// Numbers that do not follow from the seed: for secrets, which nobody may guess.
    pub fn stranger(self, which: u32) -> u64 {
        RandomState::new().hash_one((self.tag, which))
    }

    /// For names: eight letters and digits.
    pub fn name(self) -> String {
        format!("{:08x}", self.tag)
    }
}

/// How many accounts a run with so many buyers registers.
pub fn accounts(common: &Common, buyers: Option<u64>) -> usize {
    let most = common.accounts.max(common.connections);
    let wanted = buyers.map_or(common.connections, |buyers| {
        u32::try_from(buyers).unwrap_or(u32::MAX).max(common.connections)
    });
    wanted.min(most) as usize
}

/// Registers buyers, each with an address.
pub async fn buyers(address: SocketAddr, draw: Draw, count: usize) -> anyhow::Result<Vec<Buyer>> {
    run_all("registering accounts", address, count, Register { tag: draw.name() }).await
}

struct Register {
    tag: String,
}

impl Errand for Register {
    type Brings = Buyer;

    async fn run(&self, connection: &mut Connection, index: usize) -> anyhow::Result<Buyer> {
        let email = format!("buyer-{}-{index}@load.example", self.tag);
        let password = format!("a long phrase of {} {index}", self.tag);
        let (token, address) = api::register(connection, &email, &password).await?;
        Ok(Buyer { token, address })
    }
}

/// Creates products, one for each entry of `units`, each with one variant that has that many.
pub async fn products(shop: &Shop, draw: Draw, units: Vec<u64>) -> anyhow::Result<Vec<Product>> {
    let count = units.len();
    let errand = CreateProduct { admin: shop.admin.clone(), tag: draw.name(), units };
    run_all("creating products", shop.address, count, errand).await
}

struct CreateProduct {
    admin: Token,
    tag: String,
    units: Vec<u64>,
}

impl Errand for CreateProduct {
    type Brings = Product;

    async fn run(&self, connection: &mut Connection, index: usize) -> anyhow::Result<Product> {
        let tag = &self.tag;
        let body = json!({
            "slug": format!("load-{tag}-{index}"),
            "title": format!("Load product {index}"),
            "description": format!(
                "Product {index} of run {tag}. It is sturdy, it is blue, and it is bought and \
                 bought again to see how the shop stands it."
            ),
            "variants": [{
                "sku": format!("LOAD-{tag}-{index}").to_uppercase(),
                "title": "Standard",
                "options": { "colour": "blue" },
                "price": { "minor": 1000 + index % 9000, "currency": "EUR" },
                "units": self.units[index],
            }],
        });
        let call = api::post("/api/v1/admin/products", &self.admin, &body);
        let product: Product =
            api::expect(connection, "creating a product", call, StatusCode::CREATED).await?;
        anyhow::ensure!(product.variants.len() == 1, "a product came back with other variants");
        Ok(product)
    }
}

/// The product as the shop shows it now.
pub async fn product(address: SocketAddr, slug: &str) -> anyhow::Result<Product> {
    let call = api::get(&api::product_path(slug), None);
    let what = format!("reading product {slug}");
    api::expect(&mut Connection::to(address), &what, call, StatusCode::OK).await
}
