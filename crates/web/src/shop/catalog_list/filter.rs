//! The part of a list's address behind the question mark.

use catalog::Sort;
use kernel::Currency;
use serde::Deserialize;

use crate::shop::next::encoded;
use crate::shop::show::parse_amount;

/// Pages one can go back through; further back leads to the first.
const TRAIL_MAX: usize = 40;

/// As it came.
#[derive(Deserialize, Default)]
pub(crate) struct Given {
    sort: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// The cursors of the pages up to this one, with dots between.
    at: Option<String>,
}

/// A bound of the price, as it was typed and as it is understood.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) text: String,
    pub(crate) minor: Option<i64>,
}

impl Bound {
    fn read(given: Option<&String>, currency: Currency) -> Self {
        let text: String = given.map_or("", |text| text.trim()).chars().take(20).collect();
        Self { minor: parse_amount(&text, currency), text }
    }

    /// Whether something stands there that is no amount.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.text.is_empty() && self.minor.is_none()
    }
}

/// What a list shows, in which order, and where in it we are.
pub(crate) struct Filter {
    /// The path of the list.
    pub(crate) base: String,
    pub(crate) sort: Sort,
    pub(crate) from: Bound,
    pub(crate) to: Bound,
    pub(crate) currency: Currency,
    trail: Vec<String>,
}

impl Filter {
    /// Reads what came; what makes no sense counts as not there.
    pub(crate) fn read(given: &Given, base: String, currency: Currency) -> Self {
        let sort = Sort::ALL.into_iter().find(|sort| given.sort.as_deref() == Some(sort.as_str()));
        let trail = given.at.as_deref().unwrap_or_default().split('.');
        Self {
            base,
            sort: sort.unwrap_or_default(),
            from: Bound::read(given.from.as_ref(), currency),
            to: Bound::read(given.to.as_ref(), currency),
            currency,
            trail: trail.filter(|at| !at.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// The orders with their words, for the select.
    pub(crate) fn sorts(&self) -> [(&'static str, &'static str, bool); 4] {
        Sort::ALL.map(|sort| {
            let words = match sort {
                Sort::Newest => "Newest first",
                Sort::PriceUp => "Price: low to high",
                Sort::PriceDown => "Price: high to low",
                Sort::Title => "Name: A to Z",
            };
            (sort.as_str(), words, sort == self.sort)
        })
    }

    /// Whether the prices are filtered.
    pub(crate) fn is_set(&self) -> bool {
        self.from.minor.is_some() || self.to.minor.is_some()
    }

    /// 1 for the first page.
    pub(crate) fn page(&self) -> usize {
        self.trail.len() + 1
    }

    /// The cursor of this page.
    pub(crate) fn after(&self) -> Option<&str> {
        self.trail.last().map(String::as_str)
    }

    pub(crate) fn first_page(&self) -> String {
        self.address(&[])
    }

    /// The list without the price filter.
    pub(crate) fn cleared(&self) -> String {
        if self.sort == Sort::default() {
            return self.base.clone();
        }
        format!("{}?sort={}", self.base, self.sort.as_str())
    }

    pub(crate) fn previous_page(&self) -> Option<String> {
        let (_, before) = self.trail.split_last()?;
        Some(self.address(before))
    }

    pub(crate) fn next_page(&self, cursor: &str) -> String {
        let mut trail = self.trail.clone();
        trail.push(cursor.to_owned());
        let first = trail.len().saturating_sub(TRAIL_MAX);
        self.address(&trail[first..])
    }

    fn address(&self, trail: &[String]) -> String {
        let mut parts = Vec::new();
        if self.sort != Sort::default() {
            parts.push(format!("sort={}", self.sort.as_str()));
        }
        for (name, bound) in [("from", &self.from), ("to", &self.to)] {
            if bound.minor.is_some() {
                parts.push(format!("{name}={}", encoded(&bound.text)));
            }
        }
        if !trail.is_empty() {
            parts.push(format!("at={}", encoded(&trail.join("."))));
        }
        if parts.is_empty() {
            return self.base.clone();
        }
        format!("{}?{}", self.base, parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(sort: &str, from: &str, at: &str) -> Filter {
        let some = |text: &str| Some(text.to_owned());
        let given = Given { sort: some(sort), from: some(from), to: None, at: some(at) };
        Filter::read(&given, "/products".into(), Currency::EUR)
    }

    #[test]
    fn the_address_holds_the_state() {
        let first = filter("-price", "25,5", "");
        assert_eq!((first.sort, first.from.minor, first.page()), (Sort::PriceDown, Some(2550), 1));
        assert_eq!(first.previous_page(), None);
        assert_eq!(first.next_page("abc"), "/products?sort=-price&from=25%2C5&at=abc");
        let third = filter("newest", "", "abc.def");
        assert_eq!((third.page(), third.after()), (3, Some("def")));
        assert_eq!(third.previous_page().as_deref(), Some("/products?at=abc"));
        assert_eq!(third.next_page("ghi"), "/products?at=abc.def.ghi");
        assert_eq!(filter("newest", "", "abc").previous_page().as_deref(), Some("/products"));
    }

    #[test]
    fn nonsense_counts_as_not_there() {
        let odd = filter("cheapest", "a lot", "..");
        assert_eq!((odd.sort, odd.from.minor, odd.page()), (Sort::Newest, None, 1));
        assert!(odd.from.is_wrong() && !odd.to.is_wrong() && !odd.is_set());
        assert_eq!(odd.first_page(), "/products");
    }

    #[test]
    fn a_trail_does_not_grow_for_ever() {
        let long = vec!["c"; TRAIL_MAX].join(".");
        let next = filter("newest", "", &long).next_page("last");
        assert_eq!(next.matches('.').count(), TRAIL_MAX - 1);
        assert_eq!(next.rsplit('.').next(), Some("last"));
    }
}
