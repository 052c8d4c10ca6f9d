//! Where you are signed in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Place;
use kernel::SessionId;

use super::error::PageError;
use super::form::id;
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Time, moment};
use super::visitor::Visitor;
use crate::App;

/// Where they are listed.
const HERE: &str = "/account/devices";

/// A place in the list.
struct Row {
    id: SessionId,
    name: String,
    detail: &'static str,
    address: Option<String>,
    since: Time,
    used: Time,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    shell: Shell,
    rows: Vec<Row>,
}

/// `GET /account/devices`.
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let account = visitor.account()?;
    let now = app.shop.env.now();
    let places = app.shop.db.read(move |read| identity::places(read, account, now)).await?;
    let this = visitor.who.as_ref().map(|who| who.session_id);
    let shell = Shell::load(&app, &visitor, None).await?;
    let rows = places.into_iter().map(|place| row(place, this)).collect();
    Ok(page(StatusCode::OK, Keep::Never, &DevicesPage { shell, rows }))
}

/// `POST /account/devices/{session}`: sign out there.
pub(crate) async fn end(
    State(app): State<App>,
    visitor: Visitor,
    Path(session): Path<String>,
) -> Result<Response, PageError> {
    let account = visitor.account_or_back_to(HERE)?;
    let session: SessionId = id(&session)?;
    let (db, env) = (&app.shop.db, &app.shop.env);
    // One that is over already is as good as ended.
    app.identity.end_session(db, env, account, session).await?;
    tracing::info!(%account, %session, "signed out in one place");
    Err(PageError::go(HERE))
}

/// `POST /account/devices`: sign out everywhere.
pub(crate) async fn end_all(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let account = visitor.account_or_back_to(HERE)?;
    app.identity.end_all_sessions(&app.shop.db, &app.shop.env, account).await?;
    tracing::info!(%account, "signed out everywhere");
    Err(PageError::go("/login"))
}

fn row(place: Place, this: Option<SessionId>) -> Row {
    Row {
        id: place.id,
        name: name(&place),
        detail: if place.is_browser { "Browser" } else { "App" },
        address: place.address,
        since: moment(place.created_at),
        used: moment(place.last_used_at),
        is_this: this == Some(place.id),
    }
}

/// What people call it: the browser and the system, as far as it says.
fn name(place: &Place) -> String {
    let Some(told) = &place.device else { return "A device without a name".into() };
    let known = |all: &[(&str, &'static str)]| {
        all.iter().find(|(mark, _)| told.contains(mark)).map(|(_, name)| *name)
    };
    // The order matters: most of them call themselves several things.
    let browser = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("YaBrowser/", "Yandex Browser"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "Chromebook"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => told.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_what_people_call_them() {
        let at = "2027-01-15T08:00:00Z".parse().unwrap();
        let called = |device: Option<&str>| {
            name(&Place {
                id: SessionId(kernel::Uuid::nil()),
                is_browser: true,
                device: device.map(str::to_owned),
                address: None,
                created_at: at,
                last_used_at: at,
                expires_at: at,
            })
        };
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
            AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
            (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0";
        assert_eq!(called(Some(iphone)), "Safari on iPhone");
        assert_eq!(called(Some(edge)), "Edge on Windows");
        assert_eq!(called(Some("curl/8.5.0")), "curl/8.5.0");
        assert_eq!(called(None), "A device without a name");
    }
}
