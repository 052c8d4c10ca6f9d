//! What payment gateways send: kept, answered as the gateway wants it, looked into afterwards.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use gateways::RawNotification;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::extract::{Body, Segment};
use crate::problem::Problem;
use crate::{App, source};

/// `POST /hooks/{gateway}`.
pub async fn receive(
    State(app): State<App>,
    Segment(gateway): Segment,
    RawQuery(query): RawQuery,
    peer: Option<Extension<SocketAddr>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let peer = peer.map(|Extension(peer)| peer.ip());
    let source_ip = peer.and_then(|peer| source::of(peer, &headers, &app.trusted_proxies));
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let query = query.unwrap_or_default();
    let raw =
        RawNotification { query: &query, source_ip, ..RawNotification::post(&headers, &body) };
    let reply = app.cashier.receive(&gateway, &raw).await;
    let reply = reply.ok_or_else(|| Problem::not_found("gateway"))?;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static(reply.content_type);
    Ok((status, [(header::CONTENT_TYPE, kind)], reply.body).into_response())
}
