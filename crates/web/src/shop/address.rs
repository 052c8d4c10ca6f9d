//! Delivery addresses: the form, on the way to the checkout and in the account.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use identity::{Address, AddressRefusal, NewAddress, addresses};
use kernel::{AccountId, AddressId, Error};
use serde::Deserialize;

use super::checkout::Asked;
use super::countries::{self, COUNTRIES};
use super::error::PageError;
use super::form::{Form, Params, id};
use super::next;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::visitor::Visitor;
use crate::App;

/// The form.
#[derive(Deserialize, Default)]
pub(crate) struct AddressForm {
    name: String,
    line1: String,
    line2: String,
    city: String,
    postcode: String,
    country: String,
    phone: String,
}

/// What one of the buttons of an address asks for.
#[derive(Deserialize)]
pub(crate) struct ChangeAddress {
    remove: Option<String>,
}

#[derive(Template)]
#[template(path = "address.html")]
struct AddressPage {
    shell: Shell,
    title: &'static str,
    action: String,
    back: String,
    button: &'static str,
    /// Addresses to choose from instead, with where that leads.
    known: Vec<(Address, String)>,
    countries: &'static [(&'static str, &'static str)],
    form: AddressForm,
    /// The field that is not right, and what is wrong with it.
    wrong: Option<(&'static str, String)>,
}

impl AddressPage {
    fn wrong_with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }

    fn label(field: &str) -> &'static str {
        match field {
            "name" => "Name",
            "line1" => "Street and number",
            "line2" => "Flat, floor, company",
            "city" => "Town or city",
            "postcode" => "Postcode",
            "country" => "Country",
            _ => "Phone for the courier",
        }
    }
}

/// `GET /checkout/details`.
pub(crate) async fn for_checkout(
    State(app): State<App>,
    visitor: Visitor,
    Params(asked): Params<Asked>,
) -> Result<Response, PageError> {
    let customer = visitor.account()?;
    let form = blank(&visitor);
    Ok(page(
        StatusCode::OK,
        Keep::Never,
        &checkout_page(&app, &visitor, customer, &asked, form).await?,
    ))
}

/// `POST /checkout/details`.
pub(crate) async fn add_for_checkout(
    State(app): State<App>,
    visitor: Visitor,
    Params(asked): Params<Asked>,
    Form(form): Form<AddressForm>,
) -> Result<Response, PageError> {
    let customer = visitor.account_or_back_to(&asked.at("/checkout/details"))?;
    match keep(&app, customer, &form).await? {
        Ok(address) => {
            let place = next::with(&asked.at("/checkout"), "address", address.id);
            Ok(Redirect::to(&place).into_response())
        }
        Err(wrong) => {
            let mut again = checkout_page(&app, &visitor, customer, &asked, form).await?;
            again.wrong = Some(wrong);
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &again))
        }
    }
}

async fn checkout_page(
    app: &App,
    visitor: &Visitor,
    customer: AccountId,
    asked: &Asked,
    form: AddressForm,
) -> Result<AddressPage, PageError> {
    let known = app.shop.db.read(move |read| flows::address_book(read, customer)).await?;
    let place = |address: &Address| next::with(&asked.at("/checkout"), "address", address.id);
    let known: Vec<_> = known.into_iter().map(|it| (it.clone(), place(&it))).collect();
    Ok(AddressPage {
        shell: Shell::load(app, visitor, None).await?,
        title: "Where shall it go?",
        action: asked.at("/checkout/details"),
        back: if known.is_empty() { "/cart".to_owned() } else { asked.at("/checkout") },
        button: "Deliver to this address",
        known,
        countries: COUNTRIES,
        form,
        wrong: None,
    })
}

/// `GET /account/addresses/new`.
pub(crate) async fn for_account(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    visitor.account()?;
    let form = blank(&visitor);
    let shell = Shell::load(&app, &visitor, None).await?;
    Ok(page(StatusCode::OK, Keep::Never, &account_page(shell, form)))
}

/// `POST /account/addresses/new`.
pub(crate) async fn add_for_account(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<AddressForm>,
) -> Result<Response, PageError> {
    let customer = visitor.account()?;
    match keep(&app, customer, &form).await? {
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(wrong) => {
            let mut again = account_page(Shell::load(&app, &visitor, None).await?, form);
            again.wrong = Some(wrong);
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &again))
        }
    }
}

fn account_page(shell: Shell, form: AddressForm) -> AddressPage {
    AddressPage {
        shell,
        title: "New address",
        action: "/account/addresses/new".to_owned(),
        back: "/account".to_owned(),
        button: "Keep this address",
        known: Vec::new(),
        countries: COUNTRIES,
        form,
        wrong: None,
    }
}

/// `POST /account/addresses/{address}`: makes it the one offered first, or removes it.
pub(crate) async fn change(
    State(app): State<App>,
    visitor: Visitor,
    Path(address): Path<String>,
    Form(form): Form<ChangeAddress>,
) -> Result<Response, PageError> {
    let customer = visitor.account_or_back_to("/account")?;
    let address: AddressId = id(&address)?;
    let remove = form.remove.is_some();
    let changed = app
        .shop
        .db
        .write(move |tx| {
            if remove {
                addresses::remove(tx, customer, address)
            } else {
                addresses::set_default(tx, customer, address).map(|_| ())
            }
        })
        .await;
    match changed {
        // Gone already: a form that was sent twice.
        Ok(()) | Err(Error::Refused(AddressRefusal::AddressUnknown)) => {
            Ok(Redirect::to("/account").into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// A form with what we know already.
fn blank(visitor: &Visitor) -> AddressForm {
    let name = visitor.who.as_ref().map(|who| who.name.clone()).unwrap_or_default();
    AddressForm { name, ..AddressForm::default() }
}

/// Keeps the address, or says which field is not right.
async fn keep(
    app: &App,
    customer: AccountId,
    form: &AddressForm,
) -> Result<Result<Address, (&'static str, String)>, PageError> {
    let new = NewAddress {
        name: form.name.clone(),
        line1: form.line1.clone(),
        line2: Some(form.line2.clone()),
        city: form.city.clone(),
        postcode: form.postcode.clone(),
        country: form.country.clone(),
        phone: Some(form.phone.clone()),
        is_default: false,
    };
    let env = app.shop.env.clone();
    let kept = app.shop.db.write(move |tx| addresses::add(tx, &env, customer, new.clone())).await;
    match kept {
        Ok(address) => Ok(Ok(address)),
        Err(Error::Refused(AddressRefusal::AddressInvalid { field: "country", .. })) => {
            Ok(Err(("country", "Choose a country.".to_owned())))
        }
        Err(Error::Refused(AddressRefusal::AddressInvalid { field, problem })) => {
            let label = AddressPage::label(field);
            Ok(Err((field, sentence(&format!("{label} {problem}")))))
        }
        Err(error) => Err(error.into()),
    }
}
