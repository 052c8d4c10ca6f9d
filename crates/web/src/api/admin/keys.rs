//! Keys of the API, for programs.

use std::collections::BTreeSet;

use axum::extract::State;
use identity::Permission;
use identity::api_key::{self, ApiKey, NewApiKey};
use kernel::{AccountId, ApiKeyId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, nothing, ok};
use crate::extract::{Json, Segment, Staff, id, may};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(revoke))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
struct Make {
    /// What it is for, in a line.
    #[schema(example = "warehouse scanner")]
    name: String,
    /// What it may do: names of permissions (docs/roles.md).
    #[schema(example = json!(["see-orders", "move-orders"]))]
    scopes: Vec<String>,
    /// From when on it is worth nothing; never when left out.
    expires_at: Option<Timestamp>,
}

/// A key of the API.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyBody {
    id: ApiKeyId,
    name: String,
    scopes: Vec<&'static str>,
    made_by: AccountId,
    made_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// To the minute.
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct MadeKey {
    key: KeyBody,
    /// Send it as `Authorization: Bearer hf_…`. It is not shown again.
    secret: String,
}

/// All keys, the newest first.
#[derive(Serialize, ToSchema)]
struct KeyList {
    items: Vec<KeyBody>,
}

impl From<ApiKey> for KeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes.0.iter().map(|scope| scope.as_str()).collect(),
            made_by: key.made_by,
            made_at: key.made_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// Keys of the API, revoked ones too.
#[utoipa::path(
    get, path = "/admin/api-keys", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "All of them", body = KeyList))
)]
async fn list(State(app): State<App>, _: Staff<may::ManageKeys>) -> Answer {
    let keys = app.shop.db.read(api_key::list).await?;
    Ok(ok(&KeyList { items: keys.into_iter().map(Into::into).collect() }))
}

/// Make a key. It may never do more than you may, also when your role changes later.
#[utoipa::path(
    post, path = "/admin/api-keys", tag = "staff", security(("token" = [])),
    request_body = Make,
    responses(
        (status = 201, description = "Made; its secret is shown this once", body = MadeKey),
        (status = 403, description = "`more-than-yours`, `forbidden`"),
        (status = 422, description = "`key-invalid`"),
    )
)]
async fn make(
    State(app): State<App>,
    staff: Staff<may::ManageKeys>,
    Json(wish): Json<Make>,
) -> Answer {
    let Make { name, scopes, expires_at } = wish;
    let read = |(index, word): (usize, String)| {
        let path = format!("scopes[{index}]");
        word.parse::<Permission>().map_err(|_| Problem::field(&path, "is no permission"))
    };
    let scopes: BTreeSet<Permission> =
        scopes.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let new = NewApiKey { name, scopes, expires_at };
    let (key, secret) = api_key::make(&app.shop.db, &app.shop.env, staff.id, new).await?;
    staff.tell("key", key.id.to_string());
    Ok(created(&MadeKey { key: key.into(), secret }))
}

/// Take a key back: it is worth nothing from here on.
#[utoipa::path(
    delete, path = "/admin/api-keys/{id}", tag = "staff", security(("token" = [])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "Revoked"))
)]
async fn revoke(State(app): State<App>, staff: Staff<may::ManageKeys>, key: Segment) -> Answer {
    let key: ApiKeyId = id(&key, "key")?;
    let (by, env) = (staff.id, app.shop.env.clone());
    let there = app.shop.db.write(move |tx| api_key::revoke(tx, &env, by, key)).await?;
    if there { Ok(nothing()) } else { Err(Problem::not_found("key")) }
}
