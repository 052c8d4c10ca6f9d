//! The providers, and what each has to say where everything else is shared.

use std::time::Duration;

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Outcome};
use crate::book::Page;
use crate::book::deliveries::Delivery;
use crate::book::payments::Payment;
use crate::book::steps::News;
use crate::call::Call;
use crate::faults::{Op, Struck};
use crate::world::World;
use crate::{alipay, plain, stripe, yookassa};

/// A provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gateway {
    Plain,
    Yookassa,
    Alipay,
    Stripe,
}

/// A notification as it goes over the line.
pub(crate) struct Letter {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// How the payer leaves the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// Something was decided.
    Done,
    /// Nothing was.
    Left,
}

impl Gateway {
    const ALL: [Self; 4] = [Self::Plain, Self::Yookassa, Self::Alipay, Self::Stripe];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Yookassa => "yookassa",
            Self::Alipay => "alipay",
            Self::Stripe => "stripe",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gateway| gateway.name() == name)
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain => "Holdfast Sandbox",
            Self::Yookassa => "YooKassa",
            Self::Alipay => "Alipay",
            Self::Stripe => "Stripe",
        }
    }

    /// Whether the payer may try again in the same payment after a refusal.
    pub fn may_try_again(self) -> bool {
        matches!(self, Self::Alipay | Self::Stripe)
    }

    /// What is asked for.
    pub fn op(self, call: &Call) -> Op {
        match self {
            Self::Plain => plain::op(call),
            Self::Yookassa => yookassa::op(call),
            Self::Alipay => alipay::op(call),
            Self::Stripe => stripe::op(call),
        }
    }

    /// An id for a refund.
    pub fn refund_id(self, page: &Page<'_>) -> rusqlite::Result<String> {
        match self {
            Self::Plain => page.id("ref"),
            Self::Yookassa => yookassa::id(page),
            Self::Alipay => page.token("rf", 30),
            Self::Stripe => page.token("re_3", 23),
        }
    }

    /// Serves one call.
    pub fn answer(self, page: &Page<'_>, call: &Call) -> Outcome {
        match self {
            Self::Plain => plain::answer(page, call),
            Self::Yookassa => yookassa::answer(page, call),
            Self::Alipay => alipay::answer(page, call),
            Self::Stripe => stripe::answer(page, call),
        }
    }

    /// Whether the caller is the merchant, as far as that can be told before the call is looked
    /// at; the refusal if not.
    pub fn admit(self, world: &World, headers: &HeaderMap) -> Result<(), Answer> {
        match self {
            Self::Plain => plain::admit(world, headers),
            Self::Yookassa => yookassa::admit(&world.fixed().accounts.yookassa, headers),
            // The signature covers the whole request.
            Self::Alipay => Ok(()),
            Self::Stripe => stripe::admit(&world.fixed().accounts.stripe, headers),
        }
    }

    /// Its way to say that it is out of order.
    pub fn trouble(self, call: &Call, status: u16) -> Answer {
        match self {
            Self::Plain => plain::trouble(status),
            Self::Yookassa => yookassa::trouble(status),
            Self::Alipay => alipay::trouble(call, status),
            Self::Stripe => stripe::trouble(status),
        }
    }

    /// Bends what it tells about a payment, as faults say.
    pub fn bend(self, told: &mut Value, struck: &Struck) {
        match self {
            Self::Plain | Self::Stripe => stripe::bend(told, struck),
            Self::Yookassa => yookassa::bend(told, struck),
            Self::Alipay => alipay::bend(told, struck),
        }
    }

    /// Notes down what the shop is to be told of something that happened.
    pub fn tell(
        self,
        page: &Page<'_>,
        before: &Payment,
        now: &Payment,
        news: News<'_>,
    ) -> rusqlite::Result<()> {
        match self {
            Self::Plain => plain::tell(page, now, news),
            Self::Yookassa => yookassa::tell(page, now, news),
            Self::Alipay => alipay::tell(page, now, news),
            Self::Stripe => stripe::tell(page, before, now, news),
        }
    }

    /// Signs and packs one try of a notification.
    pub fn letter(self, world: &World, delivery: &Delivery, struck: &Struck) -> Letter {
        match self {
            Self::Plain => plain::letter(world, delivery, struck),
            Self::Yookassa => yookassa::letter(delivery, struck),
            Self::Alipay => alipay::letter(world, delivery, struck),
            Self::Stripe => stripe::letter(world, delivery, struck),
        }
    }

    /// Whether this answer of the shop stops redelivery.
    pub fn is_taken(self, status: u16, body: &[u8]) -> bool {
        match self {
            Self::Plain | Self::Stripe => (200..300).contains(&status),
            Self::Yookassa => status == 200,
            Self::Alipay => status == 200 && body == b"success",
        }
    }

    /// How long it waits before each further try.
    pub fn redelivery(self) -> Vec<Duration> {
        let of = |seconds: &[u64]| seconds.iter().map(|s| Duration::from_secs(*s)).collect();
        match self {
            Self::Plain => of(&[1, 1, 2, 5, 15, 60, 300, 1800, 3600, 7200, 21_600, 54_000]),
            // For a day; the intervals are not published.
            Self::Yookassa => {
                of(&[60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600, 28_800])
            }
            // 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h.
            Self::Alipay => of(&[240, 600, 600, 3600, 7200, 21_600, 54_000]),
            // In test mode three tries in a few hours; the intervals are not published.
            Self::Stripe => of(&[300, 3600, 10_800]),
        }
    }

    /// Where the payer goes from the page.
    pub fn way_back(self, page: &Page<'_>, payment: &Payment, way: Way) -> String {
        match self {
            Self::Plain | Self::Yookassa => payment.return_url.clone(),
            Self::Alipay => alipay::way_back(page, payment, way),
            Self::Stripe => stripe::way_back(payment, way),
        }
    }
}
