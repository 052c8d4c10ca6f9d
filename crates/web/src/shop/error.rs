//! Pages for when something is not as it should be. The statuses come from the one table in
//! [`problem`](crate::problem); the words are for people.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Coded, Error, Fault};

use super::shell::{Keep, Shell, headers};
use super::show::{Icon, sentence};
use crate::problem::Problem;

/// Why a handler gives no page of its own.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Something is wrong.
    Problem(Box<Problem>),
    /// The page is elsewhere.
    Go(Redirect),
}

impl PageError {
    /// Sends the browser on, with GET.
    pub(crate) fn go(path: &str) -> Self {
        Self::Go(Redirect::to(path))
    }

    /// 404.
    pub(crate) fn not_found(what: &str) -> Self {
        Problem::not_found(what).into()
    }

    /// 500. The cause stands in the log.
    pub(crate) fn broken() -> Self {
        let detail = "something is broken on our side";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into()
    }
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        Problem::from(fault).into()
    }
}

impl<R: Coded> From<Error<R>> for PageError {
    fn from(error: Error<R>) -> Self {
        Problem::from(error).into()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    title: &'static str,
    words: String,
    /// The request to name when writing to us.
    request: Option<String>,
    /// Whether the same address may work in a moment.
    again: bool,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::Go(redirect) => redirect.into_response(),
            Self::Problem(problem) => {
                let (status, (headers, page)) = (problem.status, written(&problem));
                (status, headers, page).into_response()
            }
        }
    }
}

/// A problem as a page, and what stands above it.
pub(crate) fn written(problem: &Problem) -> (HeaderMap, String) {
    let broken = problem.status == StatusCode::INTERNAL_SERVER_ERROR;
    let page = ErrorPage {
        shell: Shell::bare(),
        title: title(problem.status),
        words: words(problem),
        request: broken.then(|| crate::request_id::current().to_string()),
        again: problem.status == StatusCode::SERVICE_UNAVAILABLE,
    };
    let html = page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the error page could not be written");
        page.title.to_owned()
    });
    let mut headers = headers(Keep::Never);
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    (headers, html)
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "We cannot find this page",
        StatusCode::GONE => "No longer sold",
        StatusCode::CONFLICT => "Changed meanwhile",
        StatusCode::FORBIDDEN => "This is not for you to change",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        StatusCode::INTERNAL_SERVER_ERROR => "Something is broken on our side",
        StatusCode::SERVICE_UNAVAILABLE => "The shop is busy",
        _ => "That did not work",
    }
}

fn words(problem: &Problem) -> String {
    match (problem.status, problem.code) {
        (StatusCode::NOT_FOUND, _) => {
            "It may have moved, or the address has a slip in it.".to_owned()
        }
        (StatusCode::INTERNAL_SERVER_ERROR, _) => {
            "We have noted it. If you write to us, name this request:".to_owned()
        }
        (_, "overloaded") => {
            "More people came at once than we can serve. Nothing was changed.".to_owned()
        }
        (_, "storage-unavailable") => {
            "Our records cannot be reached just now. Nothing was charged.".to_owned()
        }
        _ => sentence(&problem.detail),
    }
}

/// The answer to a form that another site has sent in somebody's name.
pub(crate) fn foreign_form() -> Response<Body> {
    let detail = "this form was sent by another site: open our page and send it from there";
    let problem = Problem::new(StatusCode::FORBIDDEN, "cross-site", detail);
    let mut answer = PageError::from(problem).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
