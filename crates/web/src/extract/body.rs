//! Bodies: of a known kind, of a bounded size, within a bounded time, with nothing unknown in them.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kernel::limits;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use super::explain;
use crate::problem::Problem;

/// Time for a whole body. Whoever is slower keeps a connection from others.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The bytes of a body, at most [`limits::BODY_BYTES_MAX`] of them.
pub struct Body(pub Bytes);

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body that may be left out.
pub struct MaybeJson<T>(pub T);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        plain(&parts.headers)?;
        read(&parts.headers, body).await.map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        is_json(&parts.headers)?;
        parse(&read(&parts.headers, body).await?).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if axum::body::HttpBody::is_end_stream(&body) {
            return Ok(Self(T::default()));
        }
        let body = read(&parts.headers, body).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        is_json(&parts.headers)?;
        parse(&body).map(Self)
    }
}

/// For `#[serde(default, deserialize_with = "present")]`: the field may be left out, but `null`
/// is not a way to do it.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    plain(headers)?;
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let utf8 = parameters.split(';').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if kind.trim().eq_ignore_ascii_case("application/json") && utf8 && kinds.next().is_none() {
        return Ok(());
    }
    Err(unsupported("send JSON in UTF-8, with `Content-Type: application/json`"))
}

/// Nobody here unpacks anything: a small packed body can be a very large one.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(unsupported("send the body as it is, without a `Content-Encoding`"))
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
}

async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits::BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let whole = Limited::new(body, limits::BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME, whole).await {
        Ok(Ok(body)) => {
            kernel::crash_point!("web.body-read");
            Ok(body.to_bytes())
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a body did not come whole");
            let detail = "the body did not come whole";
            Err(Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", detail))
        }
        Err(_) => {
            let detail = format!("the body did not come within {} seconds", BODY_TIME.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", detail))
        }
    }
}

fn too_large() -> Problem {
    let max = limits::BODY_BYTES_MAX;
    let detail = format!("a body may have at most {max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail).with("max", max)
}

/// An object of a known form inside another. What is derived would also take a list of its
/// fields' values, in an order that nobody has promised.
pub fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// As [`object`], in a list.
pub fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let all: Vec<Object<T>> = Vec::deserialize(deserializer)?;
    Ok(all.into_iter().map(|Object(value)| value).collect())
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let read = serde_json::from_slice(body);
    let object = body.trim_ascii_start().first() == Some(&b'{');
    match read {
        Ok(value) if object => Ok(value),
        Err(error) if !error.is_data() => Err(explain::syntax(body, &error)),
        _ => Err(explain::data::<T>(body, object)),
    }
}
