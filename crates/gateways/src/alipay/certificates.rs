//! Certificates, and the number by which Alipay calls one: the MD5 of its issuer and its serial
//! number. MD5 guards nothing here; it is a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::keys::PublicKey;
use crate::hex::hex;

/// Object identifiers that begin so are signatures by RSA.
const RSA: &str = "1.2.840.113549.1.1.";

/// A certificate as far as we look.
pub(super) struct Known {
    /// Its number, in 32 hexadecimal digits.
    pub number: String,
    /// The key in it, if it is one of RSA.
    pub key: Option<PublicKey>,
    signed_by_rsa: bool,
}

/// Reads the one certificate in `pem`.
pub(super) fn one(pem: &str) -> Result<Known, &'static str> {
    let mut all = all(pem)?;
    match (all.pop(), all.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        _ => Err("is not one certificate"),
    }
}

/// The number of a chain: those of its certificates that RSA signed, joined.
pub(super) fn chain_number(pem: &str) -> Result<String, &'static str> {
    let chain = all(pem)?;
    let numbers: Vec<_> =
        chain.iter().filter(|link| link.signed_by_rsa).map(|link| link.number.as_str()).collect();
    if numbers.is_empty() { Err("has no certificate signed by RSA") } else { Ok(numbers.join("_")) }
}

fn all(pem: &str) -> Result<Vec<Known>, &'static str> {
    let (mut found, mut inside) = (Vec::new(), None::<String>);
    for line in pem.lines().map(str::trim) {
        match line {
            "-----BEGIN CERTIFICATE-----" => inside = Some(String::new()),
            "-----END CERTIFICATE-----" => {
                let text = inside.take().ok_or("is not PEM")?;
                let der = STANDARD.decode(text).map_err(|_| "is not PEM")?;
                found.push(read(&der).ok_or("holds something that is no certificate")?);
            }
            _ => inside.iter_mut().for_each(|text| text.push_str(line)),
        }
    }
    if inside.is_some() { Err("is cut short") } else { Ok(found) }
}

fn read(der: &[u8]) -> Option<Known> {
    let certificate = Certificate::from_der(der).ok()?;
    let body = certificate.tbs_certificate();
    let serial = decimal(body.serial_number().as_bytes());
    // Printed the last part first, without spaces, as they do.
    let name = format!("{}{serial}", body.issuer());
    let number = hex(&Md5::digest(name.as_bytes()));
    let algorithm = certificate.signature_algorithm().oid.to_string();
    let info = body.subject_public_key_info().to_der().ok()?;
    let key = PublicKey::from_info(&info);
    Some(Known { number, key, signed_by_rsa: algorithm.starts_with(RSA) })
}

/// A big number in decimal digits.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for &byte in bytes {
        let mut carry = u16::from(byte);
        for digit in &mut digits {
            let value = u16::from(*digit) * 256 + carry;
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_numbers_in_decimal() {
        assert_eq!(decimal(&[]), "0");
        assert_eq!(decimal(&[0, 0]), "0");
        assert_eq!(decimal(&[255]), "255");
        assert_eq!(decimal(&[1, 0]), "256");
        assert_eq!(decimal(&u128::MAX.to_be_bytes()), u128::MAX.to_string());
        assert_eq!(decimal(&77_u128.to_be_bytes()), "77");
    }
}
