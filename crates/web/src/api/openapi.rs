//! What every operation of the API has in common, added to the document that the handlers make.

use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, OpenApi, Ref, RefOr, Response, Tag};

use super::ROOT;

/// An error answer (RFC 9457). Programs look at `type`; members beyond these are facts.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `problem` writes")]
struct Problem {
    /// `/problems/<code>`: stable. What each means: `docs/errors.md`, or this address.
    #[schema(example = "/problems/out-of-stock")]
    r#type: String,
    title: String,
    status: u16,
    /// What to do about it, for people.
    detail: String,
    /// The request id: `urn:uuid:…`.
    instance: String,
    /// With `validation`: each field and what is wrong with it.
    errors: Option<Vec<FieldError>>,
}

/// What is wrong with a field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `problem` writes")]
struct FieldError {
    /// Its path: `variants[0].sku`; empty for the body as a whole.
    field: String,
    message: String,
}

/// Completes the document.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Holdfast")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A shop. Amounts are whole minor units with their currency, times are RFC 3339, ids \
             are UUIDs. Sign in, then send `Authorization: Bearer <token>`. Errors are \
             `application/problem+json`. Every answer carries `X-Request-Id`; a UUID that you \
             send there is kept.\n\n\
             Writes that move money or stock carry an `Idempotency-Key`: the same key again gives \
             the first answer again and nothing moves twice; with another request it is refused. \
             Keys are kept for seven days and belong to the account that sent them.",
        ))
        .build();
    document.tags = Some(
        [
            ("accounts", "Who you are and where parcels go"),
            ("products", "What the shop offers"),
            ("cart", "What you mean to buy, held for a while"),
            ("checkout", "What an order would cost"),
            ("orders", "Orders and their payment"),
            ("staff", "What the people of the shop do"),
        ]
        .map(|(name, description)| {
            let mut tag = Tag::new(name);
            tag.description = Some(description.into());
            tag
        })
        .into(),
    );
    let components = document.components.get_or_insert_with(Components::new);
    let mut schemas =
        vec![(Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).build()),
    );
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(name(method, path));
                add_problems(operation);
            }
        }
    }
    document
}

/// `post_orders_id_cancel`.
fn name(method: &str, path: &str) -> String {
    let path = path.strip_prefix(ROOT).unwrap_or(path).replace(['{', '}'], "");
    format!("{method}{}", path.replace(['/', '-'], "_"))
}

/// The problems that an operation can answer by what it reads.
fn add_problems(operation: &mut Operation) {
    let parameters = operation.parameters.iter().flatten();
    let in_path = parameters
        .into_iter()
        .any(|it| matches!(it, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path));
    let has_body = operation.request_body.is_some();
    let staff = operation.tags.iter().flatten().any(|tag| tag == "staff");
    let mut all = vec![
        ("400", "`unknown-parameter` and other requests that cannot be read"),
        ("429", "`too-many-requests`: try again after `Retry-After` seconds"),
        ("500", "`internal`"),
        ("503", "`overloaded`, `storage-full`, `storage-unavailable`, `timed-out`"),
    ];
    if operation.security.is_some() {
        all.push(("401", "`unauthorized`, `token-invalid`"));
    }
    if staff {
        all.push(("403", "`forbidden`"));
    }
    if in_path {
        all.push(("404", "`not-found`: there is no such thing, or it is somebody else's"));
    }
    if has_body {
        all.push(("408", "`request-timeout`"));
        all.push(("413", "`body-too-large`"));
        all.push(("415", "`unsupported-media-type`"));
        all.push(("422", "`validation` and other requests that cannot be meant"));
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in all {
        let added = || RefOr::T(Response::new(description));
        responses.entry(status.into()).or_insert_with(added);
    }
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.as_str() >= "400") {
        if let RefOr::T(response) = response {
            let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
            response.content.insert("application/problem+json".into(), RefOr::T(problem));
        }
    }
}
