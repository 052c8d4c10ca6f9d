//! Pictures of goods, from the media directory. Nothing else that may lie there is given out.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use super::error::PageError;
use crate::App;

/// What may be given out.
const ENDINGS: [&str; 4] = ["svg", "png", "jpg", "webp"];

/// `GET /media/{name}`.
pub(crate) async fn serve(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, PageError> {
    if !is_picture(&name) {
        return Err(PageError::not_found("picture"));
    }
    let (mut parts, _) = request.into_parts();
    parts.uri = format!("/{name}").parse().map_err(|_| PageError::not_found("picture"))?;
    let request = Request::from_parts(parts, Body::empty());
    let served = ServeDir::new(&app.media).append_index_html_on_directories(false);
    let answer = served.oneshot(request).await.unwrap_or_else(|never| match never {});
    if answer.status().is_client_error() {
        return Err(PageError::not_found("picture"));
    }
    let mut answer = answer.into_response();
    let headers = answer.headers_mut();
    let keep = if is_hashed(&name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    Ok(answer)
}

/// A plain name with one of the endings.
fn is_picture(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !name.starts_with('.') && name.bytes().all(plain) && ENDINGS.contains(&ending)
}

/// Whether the name carries a hash of what is in the file: `mug-1.0123456789abcdef.svg`.
fn is_hashed(name: &str) -> bool {
    let hash = name.rsplit('.').nth(1).unwrap_or_default();
    hash.len() >= 16 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_have_a_name_here() {
        for good in ["mug.svg", "mug-1.0123456789abcdef.svg", "a_b.webp"] {
            assert!(is_picture(good), "{good}");
        }
        for bad in ["shop.db", "mug", ".svg", "../a.svg", "a/b.svg", "a.SVG", "a.svg.html", "ä.svg"]
        {
            assert!(!is_picture(bad), "{bad}");
        }
        assert!(is_hashed("mug-1.0123456789abcdef.svg"));
        assert!(!is_hashed("mug.svg") && !is_hashed("mug.0123.svg"));
    }
}
