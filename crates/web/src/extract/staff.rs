//! Somebody of the shop who may do what they ask: the one place where that is decided.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use identity::audit::Actor;
use identity::{Permission, Role, TokenRefusal, api_key};
use kernel::{AccountId, Fault};
use serde_json::Value;

use super::caller::{Caller, bearer};
use crate::App;
use crate::problem::Problem;
use crate::trail::Trail;

/// Somebody of the shop who may do what `A` stands for: a person with a second factor, or a
/// program with a key. What they do is in the audit log by now.
pub struct Staff<A> {
    /// Who; whoever made the key.
    pub id: AccountId,
    trail: Trail,
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
        RecordCash SeeConcerns AttendConcerns SeeBooks MendBooks SeeCustomers EditCustomers
        DisableCustomers SeePeople InvitePeople ManagePeople ManageKeys SeeAudit ExportAudit
    }
}

impl<A> Staff<A> {
    /// Adds a fact to what the audit log says of this.
    pub fn tell(&self, name: &str, value: impl Into<Value>) {
        self.trail.tell(name, value);
    }
}

/// Who asks, if they may.
async fn may_do(parts: &Parts, app: &App, permission: Permission) -> Result<Actor, Problem> {
    let token = bearer(&parts.headers)?;
    if token.starts_with(api_key::PREFIX) {
        let holder = api_key::who(&app.shop.db, &app.shop.env, token).await?;
        let holder = holder.ok_or_else(|| Problem::refused(&TokenRefusal::TokenInvalid))?;
        let actor = Actor { account: holder.made_by, key: Some(holder.id) };
        if holder.may(permission) {
            return Ok(actor);
        }
        return Err(denied(app, parts, actor, forbidden(permission)).await?);
    }
    let Caller { who, .. } = Caller::of(parts, app).await?;
    let actor = Actor::from(who.account_id);
    if who.role == Role::Customer {
        tracing::info!(account = %who.account_id, permission = permission.as_str(), "denied");
        return Err(forbidden(permission));
    }
    if !who.role.may(permission) {
        return Err(denied(app, parts, actor, forbidden(permission)).await?);
    }
    if app.identity.staff_second_factor {
        let (of, session) = (who.account_id, who.session_id);
        let looked = app.shop.db.read(move |read| {
            Ok::<_, Fault>((identity::is_proven(read, session)?, identity::ways(read, of)?))
        });
        match looked.await? {
            (true, _) => {}
            (false, ways) => {
                let problem = if ways.any() { factor_needed() } else { setup_needed() };
                return Err(denied(app, parts, actor, problem).await?);
            }
        }
    }
    Ok(actor)
}

impl<A: Allowed> FromRequestParts<App> for Staff<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = may_do(parts, app, A::PERMISSION).await?;
        let trail = parts.extensions.get::<Trail>().cloned().unwrap_or_default();
        trail.begin(app, parts, actor, A::PERMISSION).await?;
        Ok(Self { id: actor.account, trail, may: PhantomData })
    }
}

/// The problem, written down.
async fn denied(
    app: &App,
    parts: &Parts,
    actor: Actor,
    problem: Problem,
) -> Result<Problem, Problem> {
    Trail::denied(app, parts, actor, problem.code).await?;
    Ok(problem)
}

fn forbidden(permission: Permission) -> Problem {
    let detail = "your account may not do this";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).with("permission", permission.as_str())
}

fn factor_needed() -> Problem {
    let detail = "sign in again, with your second factor";
    Problem::new(StatusCode::FORBIDDEN, "second-factor-required", detail)
}

fn setup_needed() -> Problem {
    let detail = "people of the shop have a second factor: set one up in your account first";
    Problem::new(StatusCode::FORBIDDEN, "second-factor-setup-required", detail)
}
