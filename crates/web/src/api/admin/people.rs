//! The people of the shop, and those who are asked to join them.

use axum::extract::State;
use identity::invitation::{self, Invitation};
use identity::people::{self, Member};
use identity::{PeopleRefusal, Role};
use kernel::{AccountId, InvitationId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, nothing, ok};
use crate::api::accounts::RoleWord;
use crate::extract::{Json, Segment, Staff, id, may};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(change))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(reset))
        .routes(routes!(invited, invite))
        .routes(routes!(withdraw))
}

/// Somebody who works in the shop.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    id: AccountId,
    name: String,
    /// What they are told apart by: an address, a number or a name.
    login: String,
    role: RoleWord,
    /// Their second factors.
    second_factor: Vec<&'static str>,
    created_at: Timestamp,
    /// Since when they are shut out.
    disabled_at: Option<Timestamp>,
}

/// Everybody who works in the shop.
#[derive(Serialize, ToSchema)]
struct MemberList {
    items: Vec<MemberBody>,
}

/// What somebody is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRole {
    /// `customer` takes them out of the shop.
    role: RoleWord,
}

/// Somebody to be asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInvitation)]
struct Invite {
    /// An e-mail address, or a telephone number with its country's code.
    #[schema(example = "grace@example.org")]
    login: String,
    role: RoleWord,
}

/// Somebody who was asked and has not answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
struct InvitationBody {
    id: InvitationId,
    login: String,
    role: RoleWord,
    invited_by: AccountId,
    invited_at: Timestamp,
    expires_at: Timestamp,
}

/// An invitation that was just made.
#[derive(Serialize, ToSchema)]
struct MadeInvitation {
    invitation: InvitationBody,
    /// What accepts it: hand it to whom it is for. It is not shown again.
    token: String,
}

/// Invitations that can be accepted.
#[derive(Serialize, ToSchema)]
struct InvitationList {
    items: Vec<InvitationBody>,
}

impl From<Member> for MemberBody {
    fn from(Member { account, ways }: Member) -> Self {
        Self {
            id: account.id,
            login: account.login().to_owned(),
            name: account.name,
            role: account.role.into(),
            second_factor: ways.names(),
            created_at: account.created_at,
            disabled_at: account.disabled_at,
        }
    }
}

impl From<Invitation> for InvitationBody {
    fn from(it: Invitation) -> Self {
        Self {
            id: it.id,
            login: it.login,
            role: it.role.into(),
            invited_by: it.invited_by,
            invited_at: it.invited_at,
            expires_at: it.expires_at,
        }
    }
}

fn nobody() -> Problem {
    Problem::refused(&PeopleRefusal::NoSuchMember)
}

fn read_id(segment: &Segment) -> Result<AccountId, Problem> {
    id(segment, "person").map_err(|_| nobody())
}

async fn member(app: &App, of: AccountId) -> Answer {
    let found = app.shop.db.read(move |read| people::find(read, of)).await?;
    Ok(ok(&MemberBody::from(found.ok_or_else(nobody)?)))
}

/// Everybody who works in the shop, those who are shut out too.
#[utoipa::path(
    get, path = "/admin/people", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "All of them", body = MemberList))
)]
async fn list(State(app): State<App>, _: Staff<may::SeePeople>) -> Answer {
    let all = app.shop.db.read(people::list).await?;
    Ok(ok(&MemberList { items: all.into_iter().map(Into::into).collect() }))
}

/// Make somebody of the shop something else. Their sessions end.
#[utoipa::path(
    patch, path = "/admin/people/{id}", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)), request_body = ChangeRole,
    responses(
        (status = 204, description = "They are"),
        (status = 403, description = "`more-than-yours`, `forbidden`"),
        (status = 409, description = "`last-owner`"),
    )
)]
async fn change(
    State(app): State<App>,
    staff: Staff<may::ManagePeople>,
    person: Segment,
    Json(ChangeRole { role }): Json<ChangeRole>,
) -> Answer {
    let (of, by, env) = (read_id(&person)?, staff.id, app.shop.env.clone());
    let to = Role::from(role);
    staff.tell("role", to.as_str());
    app.shop.db.write(move |tx| people::change_role(tx, &env, by, of, to)).await?;
    Ok(nothing())
}

/// Shut somebody of the shop out. Their sessions end.
#[utoipa::path(
    post, path = "/admin/people/{id}/disable", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses(
        (status = 200, description = "They are out", body = MemberBody),
        (status = 409, description = "`last-owner`"),
    )
)]
async fn disable(
    State(app): State<App>,
    staff: Staff<may::ManagePeople>,
    person: Segment,
) -> Answer {
    let (of, by, env) = (read_id(&person)?, staff.id, app.shop.env.clone());
    app.shop.db.write(move |tx| people::disable(tx, &env, by, of)).await?;
    member(&app, of).await
}

/// Let somebody of the shop in again.
#[utoipa::path(
    post, path = "/admin/people/{id}/enable", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "They are in", body = MemberBody))
)]
async fn enable(
    State(app): State<App>,
    staff: Staff<may::ManagePeople>,
    person: Segment,
) -> Answer {
    let (of, by, env) = (read_id(&person)?, staff.id, app.shop.env.clone());
    app.shop.db.write(move |tx| people::enable(tx, &env, by, of)).await?;
    member(&app, of).await
}

/// Take the second factor off somebody who lost theirs: they set up a new one when they sign in
/// next. Their sessions end.
#[utoipa::path(
    post, path = "/admin/people/{id}/reset-second-factor", tag = "staff",
    security(("token" = [])), params(("id" = AccountId, Path)),
    responses((status = 200, description = "They have none", body = MemberBody))
)]
async fn reset(State(app): State<App>, staff: Staff<may::ManagePeople>, person: Segment) -> Answer {
    let (of, by, env) = (read_id(&person)?, staff.id, app.shop.env.clone());
    app.shop.db.write(move |tx| people::reset_second_factor(tx, &env, by, of)).await?;
    member(&app, of).await
}

/// Invitations that can be accepted.
#[utoipa::path(
    get, path = "/admin/invitations", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "The newest first", body = InvitationList))
)]
async fn invited(State(app): State<App>, _: Staff<may::SeePeople>) -> Answer {
    let now = app.shop.env.now();
    let all = app.shop.db.read(move |read| invitation::list(read, now)).await?;
    Ok(ok(&InvitationList { items: all.into_iter().map(Into::into).collect() }))
}

/// Ask somebody to work in the shop. It is for their login, once, for a week; asking again takes
/// the place of what was asked before.
#[utoipa::path(
    post, path = "/admin/invitations", tag = "staff", security(("token" = [])),
    request_body = Invite,
    responses(
        (status = 201, description = "Its token is shown this once", body = MadeInvitation),
        (status = 403, description = "`more-than-yours`, `forbidden`"),
        (status = 409, description = "`already-staff`"),
    )
)]
async fn invite(
    State(app): State<App>,
    staff: Staff<may::InvitePeople>,
    Json(wish): Json<Invite>,
) -> Answer {
    let (db, env, role) = (&app.shop.db, &app.shop.env, Role::from(wish.role));
    let (made, token) = invitation::invite(db, env, staff.id, &wish.login, role).await?;
    staff.tell("invitation", made.id.to_string());
    Ok(created(&MadeInvitation { invitation: made.into(), token }))
}

/// Take an invitation back.
#[utoipa::path(
    delete, path = "/admin/invitations/{id}", tag = "staff", security(("token" = [])),
    params(("id" = InvitationId, Path)),
    responses((status = 204, description = "Nobody accepts it any more"))
)]
async fn withdraw(
    State(app): State<App>,
    staff: Staff<may::InvitePeople>,
    invitation: Segment,
) -> Answer {
    let invited: InvitationId = id(&invitation, "invitation")?;
    let (by, env) = (staff.id, app.shop.env.clone());
    let open = app.shop.db.write(move |tx| invitation::withdraw(tx, &env, by, invited)).await?;
    if open { Ok(nothing()) } else { Err(Problem::not_found("invitation")) }
}
