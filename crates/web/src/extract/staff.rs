//! Somebody of the shop who may do what they ask: the one place where that is decided.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use identity::Permission;
use kernel::AccountId;

use super::caller::Caller;
use crate::App;
use crate::problem::Problem;

/// Somebody of the shop who may do what `A` stands for.
pub struct Staff<A> {
    /// Who.
    pub id: AccountId,
    may: PhantomData<A>,
}

/// Something that a [`Staff`] may do.
pub trait Allowed: Send {
    /// What it is.
    const PERMISSION: Permission;
}

/// A type for each permission, so that a handler's signature says what it takes to call it.
pub mod may {
    use identity::Permission;

    macro_rules! allowed {
        ($($name:ident)+) => {$(
            #[doc = concat!("[`Permission::", stringify!($name), "`].")]
            pub struct $name;
            impl super::Allowed for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+};
    }

    allowed! {
        EditCatalog ChangePrices AdjustStock SeeOrders MoveOrders CancelOrders RefundOrders
        RecordCash SeeConcerns AttendConcerns SeeBooks MendBooks
    }
}

impl<A: Allowed> FromRequestParts<App> for Staff<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller { who, .. } = Caller::from_request_parts(parts, app).await?;
        if who.role.may(A::PERMISSION) {
            return Ok(Self { id: who.account_id, may: PhantomData });
        }
        tracing::info!(account = %who.account_id, permission = A::PERMISSION.as_str(), "denied");
        let detail = "your account may not do this";
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}
