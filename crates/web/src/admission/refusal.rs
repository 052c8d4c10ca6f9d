//! Saying no, as cheaply as it goes: everything but the request's id is written beforehand.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use kernel::{Env, Uuid};

use crate::problem::{Problem, RETRY_AFTER_MAX};
use crate::{envelope, request_id, shop};

static REFRESH: HeaderName = HeaderName::from_static("refresh");

/// Refusals for programs and for people.
pub(super) struct Refusals {
    /// The problem before and after the request's id.
    problem: [Bytes; 2],
    problem_headers: HeaderMap,
    page: Bytes,
    page_headers: HeaderMap,
    /// Counts refusals: those of one moment come back spread over the seconds.
    turn: AtomicU32,
}

impl Refusals {
    pub(super) fn new(secure: bool) -> Self {
        let problem = Problem::busy();
        let (mut problem_headers, body) = (problem.headers(), problem.body(Uuid::nil()));
        let nil = Uuid::nil().to_string();
        let (before, after) = body.split_once(&nil).unwrap_or((&body, ""));
        let (mut page_headers, page) = shop::busy_page();
        envelope::guard(&mut problem_headers, true, secure);
        envelope::guard(&mut page_headers, false, secure);
        Self {
            problem: [before, after].map(|part| Bytes::copy_from_slice(part.as_bytes())),
            problem_headers,
            page: page.into(),
            page_headers,
            turn: AtomicU32::new(0),
        }
    }

    /// 503 with `Retry-After`; for people a page that tries again by itself.
    pub(super) fn refuse(
        &self,
        env: &Env,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Response {
        let id = request_id::of(headers).unwrap_or_else(|| env.id());
        let seconds = self.turn.fetch_add(1, Ordering::Relaxed) % RETRY_AFTER_MAX + 1;
        let for_people = !shop::is_for_programs(path);
        let (body, mut headers) = if for_people {
            (self.page.clone(), self.page_headers.clone())
        } else {
            (self.problem(id), self.problem_headers.clone())
        };
        headers.insert(header::RETRY_AFTER, seconds.into());
        // A form is never sent twice by itself.
        if for_people && method == Method::GET {
            headers.insert(REFRESH.clone(), seconds.into());
        }
        request_id::write(&mut headers, id);
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        *answer.headers_mut() = headers;
        answer
    }

    fn problem(&self, id: Uuid) -> Bytes {
        let [before, after] = &self.problem;
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let id = id.hyphenated().encode_lower(&mut text);
        let mut body = BytesMut::with_capacity(before.len() + id.len() + after.len());
        for part in [before, id.as_bytes(), after] {
            body.extend_from_slice(part);
        }
        body.freeze()
    }
}
