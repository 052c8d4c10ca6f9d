//! The shop's own files, in the binary. Their names carry a hash of what is in them, so a browser
//! may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::error::PageError;

struct Asset {
    /// `shop.css`.
    name: &'static str,
    /// `/assets/shop.0123456789abcdef.css`.
    path: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let (stem, end) = name.split_once('.').unwrap_or((name, ""));
        let hash = store::idempotency::fingerprint(bytes);
        let hash = &hash[..16];
        Self { name, path: format!("/assets/{stem}.{hash}.{end}"), media_type, bytes }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("shop.css", "text/css; charset=utf-8", include_bytes!("../../assets/shop.css")),
        Asset::new("sign.svg", "image/svg+xml", include_bytes!("../../assets/sign.svg")),
        Asset::new("hero.svg", "image/svg+xml", include_bytes!("../../assets/hero.svg")),
    ]
});

/// Where the asset called `name` lies.
pub(crate) fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path.as_str())
}

/// `GET /assets/{name}`.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, PageError> {
    let path = format!("/assets/{name}");
    let asset = ASSETS.iter().find(|asset| asset.path == path);
    let asset = asset.ok_or_else(|| PageError::not_found("file"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((headers, asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_carries_its_hash() {
        for asset in ASSETS.iter() {
            let parts: Vec<&str> = asset.path.split('.').collect();
            assert_eq!(parts.len(), 3, "{}", asset.path);
            assert_eq!(parts[1].len(), 16, "{}", asset.path);
            assert_eq!(path(asset.name), asset.path);
        }
        assert_eq!(path("other.css"), "");
    }
}
