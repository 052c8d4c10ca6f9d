//! Putting things into the cart and taking them out again. A line is held in stock for a while.

use kernel::{AccountId, CartId, Error, Fault, Money, Timestamp, VariantId, limits};
use store::Read;

use crate::Answer;
use crate::lane::{Change, Command, Done};
use crate::refusal::Refusal;
use crate::shop::Shop;

/// Whose cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owner {
    /// A customer's.
    Account(AccountId),
    /// A visitor's, by the SHA-256 of the token in the visitor's cookie.
    Visitor(Vec<u8>),
}

/// A line as the buyer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartLine {
    /// What.
    pub variant_id: VariantId,
    /// Its code.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// Price of one, now.
    pub unit_price: Money,
    /// How many.
    pub quantity: i64,
    /// Whether it goes to the next checkout.
    pub selected: bool,
    /// `unit_price × quantity`.
    pub line_total: Money,
    /// Until when its units are held; none when they are not.
    pub held_until: Option<Timestamp>,
    /// Units the buyer could have, those held for this cart included.
    pub available: i64,
    /// Whether it is still sold.
    pub sold_here: bool,
}

/// A cart as the buyer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartView {
    /// Which; none until something was put in.
    pub id: Option<CartId>,
    /// Counts its changes.
    pub version: i64,
    /// Its lines, in the order they were put in.
    pub lines: Vec<CartLine>,
    /// Units in selected lines that are still sold.
    pub selected_quantity: i64,
    /// Sum of those lines.
    pub selected_total: Money,
}

impl Shop {
    /// The cart of `owner`, for showing.
    pub async fn cart(&self, owner: Owner) -> Answer<CartView> {
        let currency = self.settings.currency;
        let now = self.env.now();
        self.db
            .read(move |read| {
                let cart = find(read, &owner)?;
                let mut view = CartView {
                    id: cart.map(|cart| cart.id),
                    version: cart.map_or(0, |cart| cart.version),
                    lines: Vec::new(),
                    selected_quantity: 0,
                    selected_total: Money::zero(currency),
                };
                if let Some(cart) = cart {
                    fill(read, &mut view, cart.id, now)?;
                }
                Ok(view)
            })
            .await
    }

    /// Changes the quantity of a line; a line that becomes 0 goes. Gives the new cart.
    pub async fn set_line(
        &self,
        owner: Owner,
        variant: VariantId,
        change: Change,
    ) -> Answer<CartView> {
        let cart = if let Some(cart) = self.cart_of(&owner).await? {
            cart
        } else {
            // A cart is made when something comes that can be put into it, and not before.
            self.must_be_offered(variant).await?;
            self.make_cart(&owner).await?
        };
        self.lane.submit(Command::SetLine { cart, variant, change }).await?;
        kernel::crash_point!("flow.line-set");
        self.cart(owner).await
    }

    /// Selects lines for checkout (all of them when `variants` is none), or leaves them.
    pub async fn select_lines(
        &self,
        owner: Owner,
        variants: Option<Vec<VariantId>>,
        selected: bool,
    ) -> Answer<CartView> {
        match self.cart_of(&owner).await? {
            Some(cart) => {
                self.lane.submit(Command::Select { cart, variants, selected }).await?;
            }
            None if variants.is_some() => return Err(Error::Refused(Refusal::NotFound("line"))),
            None => {}
        }
        self.cart(owner).await
    }

    /// Takes everything out.
    pub async fn clear_cart(&self, owner: Owner) -> Answer<CartView> {
        if let Some(cart) = self.cart_of(&owner).await? {
            self.lane.submit(Command::Clear { cart }).await?;
        }
        self.cart(owner).await
    }

    /// Gives every hold of the cart its full time again; what is no longer held is held again
    /// if it can be.
    pub async fn extend_cart(&self, owner: Owner) -> Answer<CartView> {
        if let Some(cart) = self.cart_of(&owner).await? {
            self.lane.submit(Command::Extend { cart }).await?;
        }
        self.cart(owner).await
    }

    /// Puts what is in a visitor's cart into the account's, as far as stock goes; gives how many
    /// units were moved.
    pub async fn merge_carts(&self, token_hash: Vec<u8>, account: AccountId) -> Answer<i64> {
        let from = self.cart_of(&Owner::Visitor(token_hash)).await?;
        let Some(from) = from else { return Ok(0) };
        let account = Owner::Account(account);
        let into = match self.cart_of(&account).await? {
            Some(cart) => cart,
            None => self.make_cart(&account).await?,
        };
        match self.lane.submit(Command::Merge { from, into }).await? {
            Done::Moved(units) => Ok(units),
            other => Err(other.unexpected().into()),
        }
    }

    async fn cart_of(&self, owner: &Owner) -> Answer<Option<CartId>> {
        let owner = owner.clone();
        let found = self.db.read(move |read| find(read, &owner)).await?;
        Ok(found.map(|cart| cart.id))
    }

    async fn make_cart(&self, owner: &Owner) -> Answer<CartId> {
        let (owner, env) = (owner.clone(), self.env.clone());
        let made = self
            .db
            .write(move |tx| match &owner {
                Owner::Account(account) => carts::get_or_make(tx, &env, *account),
                Owner::Visitor(token_hash) => carts::make_for_token(tx, &env, token_hash),
            })
            .await?;
        Ok(made.id)
    }

    async fn must_be_offered(&self, variant: VariantId) -> Answer<()> {
        let offers =
            self.db.read(move |read| catalog::offers(read, [variant])?.answer(read)).await?;
        if offers.iter().any(|offer| offer.active) {
            return Ok(());
        }
        Err(Error::Refused(Refusal::NotFound("variant")))
    }
}

fn find(read: &mut Read<'_>, owner: &Owner) -> Result<Option<carts::Cart>, Error<Refusal>> {
    Ok(match owner {
        Owner::Account(account) => carts::find(read, *account)?,
        Owner::Visitor(token_hash) => carts::find_by_token(read, token_hash)?,
    })
}

fn fill(
    read: &mut Read<'_>,
    view: &mut CartView,
    cart: CartId,
    now: Timestamp,
) -> Result<(), Error<Refusal>> {
    let lines = carts::lines(read, cart)?;
    let holds = inventory::holds_of(read, cart.0)?;
    let lines = lines.answer(read)?;
    let ids = || lines.iter().map(|line| line.variant_id);
    let offers = catalog::offers(read, ids())?;
    let levels = inventory::levels(read, ids())?;
    let (holds, offers, levels) = (holds.answer(read)?, offers.answer(read)?, levels.answer(read)?);
    let too_large = |_| Error::Refused(Refusal::AmountTooLarge);
    for line in &lines {
        let offer = offers.iter().find(|offer| offer.variant_id == line.variant_id);
        let Some(offer) = offer else { continue };
        let hold = holds.iter().find(|hold| hold.variant_id == line.variant_id);
        let stock = levels.iter().find(|stock| stock.variant_id == line.variant_id);
        let line_total = offer.price.times(line.quantity).map_err(too_large)?;
        let sold_here = offer.active && offer.price.currency == view.selected_total.currency;
        if line.selected && sold_here {
            view.selected_quantity += line.quantity;
            view.selected_total = view.selected_total.plus(line_total).map_err(too_large)?;
        }
        view.lines.push(CartLine {
            variant_id: line.variant_id,
            sku: offer.sku.clone(),
            title: offer.title.clone(),
            unit_price: offer.price,
            quantity: line.quantity,
            selected: line.selected,
            line_total,
            held_until: hold.map(|hold| hold.expires_at).filter(|until| *until > now),
            available: stock.map_or(0, inventory::Stock::available)
                + hold.map_or(0, |hold| hold.quantity),
            sold_here,
        });
    }
    Ok(())
}

pub(crate) fn check_quantity(quantity: i64) -> Result<(), Refusal> {
    if (1..=limits::LINE_QUANTITY_MAX).contains(&quantity) {
        Ok(())
    } else {
        Err(Refusal::QuantityInvalid { min: 1, max: limits::LINE_QUANTITY_MAX })
    }
}

impl Done {
    /// For an answer that cannot be: a command got another command's.
    pub(crate) fn unexpected(&self) -> Fault {
        Fault::Broken(format!("the lane answered {self:?} to something else"))
    }
}
