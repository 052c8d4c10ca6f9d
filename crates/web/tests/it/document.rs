//! The API and its document say the same.

use http::Method;
use serde_json::{Value, json};

use crate::shop::{TABLES, TestShop};

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "trace", "connect"];

fn document() -> Value {
    serde_json::to_value(web::api::document()).unwrap()
}

/// Every operation: path, method, description.
fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if !item[method].is_null() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let operation = item[method.as_str().to_lowercase()].clone();
                all.push((path.clone(), method, operation));
            }
        }
    }
    all
}

/// Every operation of the document: path and method.
pub fn operations_of_the_document() -> Vec<(String, Method)> {
    operations(&document()).into_iter().map(|(path, method, _)| (path, method)).collect()
}

fn concrete(path: &str) -> String {
    let id = "00000000-0000-7000-8000-000000000000";
    path.split('/')
        .map(|part| if part.starts_with('{') { id } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn it_is_openapi_3_1_without_loose_ends() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
    let mut names = Vec::new();
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        names.push(operation["operationId"].as_str().unwrap().to_owned());
        assert!(operation["summary"].is_string(), "{what} has no summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{what}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{what}");
        for status in ["400", "500", "503"] {
            assert!(responses.contains_key(status), "{what} does not document {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let problem = &response["content"]["application/problem+json"];
            assert!(problem.is_object(), "{what} {status} is no problem");
        }
        let guarded = !operation["security"].is_null();
        // What comes with credentials of its own in the body.
        let doors = ["/sessions", "/sessions/refresh", "/sessions/second", "/invitations/accept"];
        let shows_credentials =
            method == Method::POST && doors.iter().any(|door| path.ends_with(door));
        assert_eq!(guarded, responses.contains_key("401") && !shows_credentials, "{what}");
        let proves = path.contains("/me/second-factor/") || path.contains("/invitations/");
        assert_eq!(path.contains("/admin/") || proves, responses.contains_key("403"), "{what}");
        assert_eq!(
            path.contains('{'),
            responses.contains_key("404") && path.contains('{'),
            "{what}"
        );
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have one name");
}

#[test]
fn handlers_are_routed_by_what_describes_them() {
    // A route that is added by hand would answer without being in the document.
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let mut described = 0;
    let mut directories = vec![directory];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let by_hand = text.contains(".route(");
            assert!(!by_hand || path.ends_with("docs.rs"), "{} adds a route", path.display());
            described += text.matches("#[utoipa::path(").count();
        }
    }
    assert_eq!(operations(&document()).len(), described, "a handler is described, but not routed");
}

store::on_both_engines! { TABLES;
    async fn what_is_described_is_answered_and_nothing_else(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let document = document();
        let all = operations(&document);
        for (path, method, operation) in &all {
            let there = concrete(path);
            let ask = || shop.ask(method.clone(), &there).by(&owner);
            let answer = ask().send().await;
            let nowhere = answer.status == 404 && answer.body["detail"] == "there is no such address";
            assert!(!nowhere && answer.status != 405, "{method} {path}: {}", answer.text);
            let for_all = answer.status == 200 && operation["security"].is_null();
            let wanted = if for_all { "no-cache" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), wanted, "{method} {path}");
            // An empty requirement among them: some wishes need a token, others do not.
            let open = operation["security"].as_array().is_none_or(|all| all.contains(&json!({})));
            if !open {
                let ask = shop.ask(method.clone(), &there);
                ask.refused(401, "unauthorized").await;
            }
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let asks = format!("{there}?surprise=1");
            let answer = shop.ask(method.clone(), asks).by(&owner).send().await;
            assert_eq!(answer.code(), "unknown-parameter", "{method} {path} {parameters:?}");
        }
        let mut paths: Vec<&String> = all.iter().map(|(path, ..)| path).collect();
        paths.dedup();
        for path in paths {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
                let method: Method = method.parse().unwrap();
                if all.iter().any(|(other, known, _)| other == path && *known == method) {
                    continue;
                }
                let ask = shop.ask(method, concrete(path)).by(&owner);
                let answer = ask.refused(405, "method-not-allowed").await;
                assert!(!answer.header("allow").is_empty(), "{path} does not say what it takes");
            }
        }
        shop.get("/api/v1/nothing").refused(404, "not-found").await;
        shop.get("/api/v2/products").refused(404, "not-found").await;
    }

    async fn it_can_be_browsed_without_another_host(db: TestDb) {
        let shop = TestShop::open(db).await;
        let served = shop.get("/api/v1/openapi.json").expect(200).await;
        assert_eq!(served.body, document());
        let moved = shop.get("/api/docs").send().await;
        assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/api/docs/"));
        let page = shop.get("/api/docs/").expect(200).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"));
        assert!(!page.text.contains("//"), "the page asks another host: {}", page.text);
        let files: Vec<&str> = page.text.split("\"./").skip(1).filter_map(|it| it.split('"').next()).collect();
        assert!(files.contains(&"swagger-ui-bundle.js"), "{files:?}");
        for file in files {
            let file = shop.get(format!("/api/docs/{file}")).expect(200).await;
            assert_eq!(file.header("content-security-policy"), policy);
        }
        let start = shop.get("/api/docs/swagger-initializer.js").expect(200).await;
        assert!(start.text.contains("/api/v1/openapi.json"), "{}", start.text);
        assert!(!start.text.contains("http"), "{}", start.text);
        shop.get("/api/docs/nothing.js").refused(404, "not-found").await;
        shop.get("/api/docs/..%2fsecret").refused(404, "not-found").await;
    }
}
