//! What a request is part of, as far as method, path and credentials tell.

use http::{HeaderMap, Method, header};

use crate::api;
use crate::shop::any_cookie_of_ours;

/// Classes that may be refused before the hard limit.
pub(super) const REFUSABLE: usize = 3;

/// The lowest is refused first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Class {
    /// Nobody we know looks around or signs up. Also whoever asks for what needs credentials and
    /// brings none.
    Newcomer,
    /// Somebody with a session or a cart looks around; somebody signs in; pictures.
    Guest,
    /// On the way to an order: cart, quote, checkout, addresses.
    Buyer,
    /// Never refused before the hard limit: payments and what gateways say of them, placing an
    /// order, looking at one or cancelling it, staff, health.
    Bound,
}

impl Class {
    /// Looks at nothing that costs more than refusing does. Credentials are seen, not checked:
    /// forged ones reach a handler, which refuses them.
    pub(super) fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        match path.strip_prefix(api::ROOT).and_then(|rest| rest.strip_prefix('/')) {
            Some(call) => of_call(call, headers),
            None => of_page(method, path, headers),
        }
    }

    /// Which of the refusable classes it is.
    pub(super) fn door(self) -> Option<usize> {
        Some(self as usize).filter(|place| *place < REFUSABLE)
    }

    /// As it is written in the log.
    pub(super) fn name(door: usize) -> &'static str {
        ["newcomers", "guests", "buyers"][door]
    }
}

/// Below the API.
fn of_call(call: &str, headers: &HeaderMap) -> Class {
    match (first(call), headers.contains_key(header::AUTHORIZATION)) {
        ("orders" | "admin", true) => Class::Bound,
        ("cart" | "checkout" | "me", true) => Class::Buyer,
        ("sessions", _) | (_, true) => Class::Guest,
        _ => Class::Newcomer,
    }
}

/// Pages, and what is neither page nor API.
fn of_page(method: &Method, path: &str, headers: &HeaderMap) -> Class {
    match first(path.strip_prefix('/').unwrap_or(path)) {
        "hooks" | "healthz" | "readyz" | "pay" | "o" => Class::Bound,
        // The button that places the order.
        "checkout" if path == "/checkout" && method == Method::POST => Class::Bound,
        // Without a cookie too: a visitor gets the first one with the first thing in the cart.
        "cart" | "checkout" | "account" | "logout" => Class::Buyer,
        // Whoever signs in with a cart in hand is in the middle of a checkout.
        "login" | "register" | "code" | "forgotten" if any_cookie_of_ours(headers) => Class::Buyer,
        "login" | "code" | "forgotten" | "assets" | "media" => Class::Guest,
        _ if any_cookie_of_ours(headers) => Class::Guest,
        _ => Class::Newcomer,
    }
}

/// `a/b` is an `a`.
fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(method: &Method, path: &str, credentials: &str) -> Class {
        let mut headers = HeaderMap::new();
        match credentials {
            "" => {}
            "token" => drop(headers.insert(header::AUTHORIZATION, "Bearer x".parse().unwrap())),
            cookie => drop(headers.insert(header::COOKIE, cookie.parse().unwrap())),
        }
        Class::of(method, path, &headers)
    }

    #[test]
    fn what_a_request_is_part_of() {
        use Class::{Bound, Buyer, Guest, Newcomer};
        for (method, path, credentials, wanted) in [
            // What money and promises hang on.
            (Method::POST, "/hooks/sandbox", "", Bound),
            (Method::GET, "/healthz", "", Bound),
            (Method::GET, "/readyz", "", Bound),
            (Method::POST, "/api/v1/orders", "token", Bound),
            (Method::GET, "/api/v1/orders/1", "token", Bound),
            (Method::POST, "/api/v1/orders/1/payments", "token", Bound),
            (Method::POST, "/api/v1/orders/1/cancel", "token", Bound),
            (Method::GET, "/api/v1/admin/orders", "token", Bound),
            (Method::POST, "/checkout", "hf_s=x", Bound),
            (Method::POST, "/pay/1", "hf_s=x", Bound),
            (Method::GET, "/pay/1/return", "", Bound),
            (Method::GET, "/o/1", "hf_s=x", Bound),
            (Method::POST, "/o/1/cancel", "hf_s=x", Bound),
            // On the way.
            (Method::POST, "/api/v1/checkout/quote", "token", Buyer),
            (Method::POST, "/api/v1/cart/lines", "token", Buyer),
            (Method::POST, "/api/v1/me/addresses", "token", Buyer),
            (Method::GET, "/checkout", "hf_s=x", Buyer),
            (Method::POST, "/checkout/details", "hf_s=x", Buyer),
            (Method::GET, "/cart", "", Buyer),
            (Method::POST, "/cart/add", "", Buyer),
            (Method::POST, "/login", "a=b; hf_c=x", Buyer),
            (Method::POST, "/register", "__Host-hf_c=x", Buyer),
            // Known.
            (Method::POST, "/login", "", Guest),
            (Method::POST, "/api/v1/sessions", "", Guest),
            (Method::GET, "/p/mug", "hf_s=x", Guest),
            (Method::GET, "/api/v1/products", "token", Guest),
            (Method::GET, "/assets/shop.css", "", Guest),
            (Method::GET, "/media/1.webp", "", Guest),
            // Everybody else, and whoever has nothing to show for what they ask.
            (Method::GET, "/", "", Newcomer),
            (Method::GET, "/", "a=b", Newcomer),
            (Method::GET, "/products", "", Newcomer),
            (Method::GET, "/c/kitchen", "", Newcomer),
            (Method::GET, "/p/mug", "", Newcomer),
            (Method::POST, "/register", "", Newcomer),
            (Method::POST, "/api/v1/accounts", "", Newcomer),
            (Method::GET, "/api/v1/products/mug", "", Newcomer),
            (Method::POST, "/api/v1/orders", "", Newcomer),
            (Method::POST, "/api/v1/orders", "hf_s=x", Newcomer),
            (Method::GET, "/api/v1/admin/orders", "", Newcomer),
            (Method::POST, "/api/v1/cart/lines", "", Newcomer),
            (Method::GET, "//pay/1", "", Newcomer),
            (Method::GET, "/ordersx", "", Newcomer),
            (Method::GET, "*", "", Newcomer),
            (Method::GET, "", "", Newcomer),
        ] {
            assert_eq!(class(&method, path, credentials), wanted, "{method} {path} {credentials}");
        }
    }

    #[test]
    fn the_bound_have_no_door() {
        assert_eq!(Class::Newcomer.door(), Some(0));
        assert_eq!(Class::Buyer.door(), Some(2));
        assert_eq!(Class::Bound.door(), None);
    }
}
