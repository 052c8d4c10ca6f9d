//! What a request tells of the device it comes from.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use identity::Device;

use crate::{App, source};

/// The device that sent the request, by its own words and by the connection.
pub struct From(pub Device);

impl FromRequestParts<App> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<SocketAddr>().map(SocketAddr::ip);
        let address = peer.and_then(|peer| source::of(peer, &parts.headers, &app.trusted_proxies));
        let name = parts.headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
        Ok(Self(Device::new(name, address.map(|address| address.to_string()))))
    }
}
