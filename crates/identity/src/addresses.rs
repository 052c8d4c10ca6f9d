//! Delivery addresses of an account. All of them are asked for together with their owner, so a
//! foreign one looks exactly like one that is not there.

use kernel::{AccountId, AddressId, Env, Error, Fault, limits};
use serde::{Deserialize, Serialize};
use store::{Asked, Read, Tx};

use crate::error::AddressRefusal;
use crate::{sql, text};

const CITY_CHARS_MAX: usize = 100;
const POSTCODE_CHARS_MAX: usize = 16;
const PHONE_CHARS_MAX: usize = 32;

/// Where a parcel goes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Its id.
    pub id: AddressId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Who takes the parcel.
    pub name: String,
    /// Street and house.
    pub line1: String,
    /// Flat, floor, company.
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// Postcode, as the country writes it.
    pub postcode: String,
    /// Two capital letters of ISO 3166-1.
    pub country: String,
    /// For the courier.
    pub phone: Option<String>,
    /// Whether it is offered first. At most one of an account is.
    pub is_default: bool,
}

store::from_row!(Address {
    id,
    account_id,
    name,
    line1,
    line2,
    city,
    postcode,
    country,
    phone,
    is_default,
});

/// An address to be kept, as a person fills in the form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewAddress {
    /// Who takes the parcel.
    pub name: String,
    /// Street and house.
    pub line1: String,
    /// Flat, floor, company; blank is none.
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// Postcode.
    pub postcode: String,
    /// Two letters of ISO 3166-1.
    pub country: String,
    /// For the courier; blank is none.
    pub phone: Option<String>,
    /// Whether it is to be offered first. The first address of an account always is.
    pub is_default: bool,
}

/// The address `id` of `owner`. One look-up by key.
pub fn find(read: &mut Read<'_>, owner: AccountId, id: AddressId) -> Result<Asked<Address>, Fault> {
    read.ask(&sql::ADDRESS, &[&owner, &id])
}

/// The address to offer first: the default one, else the latest.
pub fn preferred(read: &mut Read<'_>, owner: AccountId) -> Result<Asked<Address>, Fault> {
    read.ask(&sql::ADDRESS_PREFERRED, &[&owner])
}

/// All addresses of `owner`: the default one, then the latest first.
pub fn list(read: &mut Read<'_>, owner: AccountId) -> Result<Vec<Address>, Fault> {
    read.rows(&sql::ADDRESSES, &[&owner])
}

/// Keeps an address.
pub fn add(
    tx: &mut Tx<'_>,
    env: &Env,
    owner: AccountId,
    new: NewAddress,
) -> Result<Address, Error<AddressRefusal>> {
    let mut address = check(env, owner, new).map_err(Error::Refused)?;
    let there = list(tx, owner)?;
    if i64::try_from(there.len()).is_ok_and(|count| count >= limits::ADDRESSES_MAX) {
        return Err(Error::Refused(AddressRefusal::TooManyAddresses));
    }
    address.is_default |= there.is_empty();
    if address.is_default {
        tx.execute(&sql::ADDRESS_NO_DEFAULT, &[&owner])?;
    }
    tx.execute(
        &sql::ADDRESS_ADD,
        &[
            &address.id,
            &address.account_id,
            &address.name,
            &address.line1,
            &address.line2,
            &address.city,
            &address.postcode,
            &address.country,
            &address.phone,
            &address.is_default,
        ],
    )?;
    Ok(address)
}

/// Makes an address the one that is offered first.
pub fn set_default(
    tx: &mut Tx<'_>,
    owner: AccountId,
    id: AddressId,
) -> Result<Address, Error<AddressRefusal>> {
    let found = find(tx, owner, id)?.one(tx)?;
    let address = found.ok_or(Error::Refused(AddressRefusal::AddressUnknown))?;
    tx.execute(&sql::ADDRESS_NO_DEFAULT, &[&owner])?;
    tx.execute(&sql::ADDRESS_DEFAULT, &[&owner, &id])?;
    Ok(Address { is_default: true, ..address })
}

/// Forgets an address. Orders keep what they were sent to.
pub fn remove(
    tx: &mut Tx<'_>,
    owner: AccountId,
    id: AddressId,
) -> Result<(), Error<AddressRefusal>> {
    if tx.execute(&sql::ADDRESS_REMOVE, &[&owner, &id])? == 0 {
        return Err(Error::Refused(AddressRefusal::AddressUnknown));
    }
    Ok(())
}

fn check(env: &Env, owner: AccountId, new: NewAddress) -> Result<Address, AddressRefusal> {
    let NewAddress { name, line1, line2, city, postcode, country, phone, is_default } = new;
    let wrong = |field| move |problem| AddressRefusal::AddressInvalid { field, problem };
    let line = |field, value: &str, chars_max| {
        text::line(value, chars_max).map(str::to_owned).map_err(wrong(field))
    };
    let optional = |field, value: Option<&str>, chars_max| {
        let value = text::optional(value, chars_max).map_err(wrong(field))?;
        Ok::<_, AddressRefusal>(value.map(str::to_owned))
    };
    let address = Address {
        id: env.id(),
        account_id: owner,
        name: line("name", &name, limits::TEXT_CHARS_MAX)?,
        line1: line("line1", &line1, limits::TEXT_CHARS_MAX)?,
        line2: optional("line2", line2.as_deref(), limits::TEXT_CHARS_MAX)?,
        city: line("city", &city, CITY_CHARS_MAX)?,
        postcode: line("postcode", &postcode, POSTCODE_CHARS_MAX)?,
        country: two_letters(&country).map_err(wrong("country"))?,
        phone: optional("phone", phone.as_deref(), PHONE_CHARS_MAX)?,
        is_default,
    };
    if let Some(phone) = &address.phone {
        dialable(phone).map_err(wrong("phone"))?;
    }
    Ok(address)
}

fn two_letters(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_uppercase();
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text);
    }
    Err("must be the two letters of a country, such as DE".into())
}

fn dialable(text: &str) -> Result<(), String> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = text.chars().all(|c| c.is_ascii_digit() || " +-./()".contains(c));
    if plain && digits >= 3 {
        return Ok(());
    }
    Err("must be digits, with + - . / ( ) and spaces between them".into())
}

#[cfg(test)]
mod rules {
    use kernel::Timestamp;

    use super::*;

    fn good() -> NewAddress {
        NewAddress {
            name: " Ada Lovelace ".into(),
            line1: "12 St James's Square".into(),
            line2: Some("  ".into()),
            city: "London".into(),
            postcode: "SW1Y 4JH".into(),
            country: "gb".into(),
            phone: Some("+44 (0)20 7946-0000".into()),
            is_default: false,
        }
    }

    fn refused_field(new: &NewAddress) -> Option<&'static str> {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        match check(&env, env.id(), new.clone()) {
            Ok(_) => None,
            Err(AddressRefusal::AddressInvalid { field, .. }) => Some(field),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn forms_are_tidied() {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let address = check(&env, env.id(), good()).unwrap();
        assert_eq!(address.name, "Ada Lovelace");
        assert_eq!(address.line2, None, "blank is none");
        assert_eq!(address.country, "GB");
    }

    #[test]
    fn a_refusal_names_the_field() {
        let long = || "x".repeat(limits::TEXT_CHARS_MAX + 1);
        let cases: [(NewAddress, &str); 12] = [
            (NewAddress { name: " ".into(), ..good() }, "name"),
            (NewAddress { name: long(), ..good() }, "name"),
            (NewAddress { line1: "a\nb".into(), ..good() }, "line1"),
            (NewAddress { line2: Some(long()), ..good() }, "line2"),
            (NewAddress { city: String::new(), ..good() }, "city"),
            (NewAddress { city: "nul\0".into(), ..good() }, "city"),
            (NewAddress { postcode: "12345678901234567".into(), ..good() }, "postcode"),
            (NewAddress { country: "GBR".into(), ..good() }, "country"),
            (NewAddress { country: "Д".into(), ..good() }, "country"),
            (NewAddress { phone: Some("call me".into()), ..good() }, "phone"),
            (NewAddress { phone: Some("+-".into()), ..good() }, "phone"),
            (NewAddress { phone: Some("1".repeat(33)), ..good() }, "phone"),
        ];
        for (new, field) in cases {
            assert_eq!(refused_field(&new), Some(field), "{new:?}");
        }
        assert_eq!(refused_field(&good()), None);
    }
}
