//! Who is refused when the shop is too busy, and how.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use web::Admission;

/// Clients at once; each has one request under way.
const CLIENTS: usize = 48;
/// Longer than anybody waits here who is not lost.
const LOST: Duration = Duration::from_mins(1);

async fn serve(routes: Router, admission: Admission) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(web::serve(listener, routes, admission, std::future::pending()));
    address
}

/// One request on a connection of its own: status, head in small letters, body.
async fn ask(address: SocketAddr, method: &str, path: &str, with: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{with}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn echo() -> Router {
    Router::new().fallback(async || "let in")
}

#[tokio::test]
async fn a_refusal_says_what_it_is_and_when_to_come_back() {
    let address = serve(echo(), Admission::closed(kernel::Env::system(), true)).await;
    let mut waits = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let (status, head, body) = ask(address, "GET", "/api/v1/products", "").await;
        assert_eq!(status, 503);
        assert_eq!(header(&head, "content-type"), Some("application/problem+json; charset=utf-8"));
        assert_eq!(header(&head, "cache-control"), Some("no-store"));
        assert_eq!(header(&head, "x-content-type-options"), Some("nosniff"));
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        assert!(head.contains("strict-transport-security: max-age="), "{head}");
        assert_eq!(header(&head, "refresh"), None);
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["type"], "/problems/overloaded");
        assert_eq!(problem["status"], 503);
        let id = header(&head, "x-request-id").unwrap();
        assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
        waits.insert(header(&head, "retry-after").unwrap().parse::<u32>().unwrap());
    }
    assert!(waits.iter().eq(&[1, 2, 3, 4, 5]), "spread over the seconds: {waits:?}");
    let id = "0192f0c1-7c1e-7a3e-8f00-0123456789ab";
    let with = format!("x-request-id: {id}\r\n");
    let (_, head, _) = ask(address, "GET", "/api/v1/products", &with).await;
    assert_eq!(header(&head, "x-request-id"), Some(id));
}

#[tokio::test]
async fn people_get_a_page_that_tries_again_by_itself() {
    let address = serve(echo(), Admission::closed(kernel::Env::system(), false)).await;
    let (status, head, body) = ask(address, "GET", "/products", "").await;
    assert_eq!(status, 503);
    assert_eq!(header(&head, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(header(&head, "cache-control"), Some("no-store"));
    assert!(header(&head, "retry-after").is_some());
    assert_eq!(header(&head, "refresh"), header(&head, "retry-after"));
    assert!(head.contains("form-action 'self'"), "the policy of pages: {head}");
    assert!(body.contains("The shop is busy"), "{body}");
    let (status, head, _) = ask(address, "POST", "/register", "content-length: 0\r\n").await;
    assert_eq!((status, header(&head, "refresh")), (503, None), "a form is not sent again");
}

#[tokio::test]
async fn a_closed_door_is_open_to_those_who_are_bound() {
    let address = serve(echo(), Admission::closed(kernel::Env::system(), false)).await;
    let token = "authorization: Bearer x\r\n";
    for (method, path, with, wanted) in [
        ("POST", "/hooks/sandbox", "", 200),
        ("GET", "/healthz", "", 200),
        ("POST", "/api/v1/orders", token, 200),
        ("POST", "/api/v1/orders/1/payments", token, 200),
        ("GET", "/pay/1/return", "", 200),
        ("POST", "/checkout", "cookie: hf_s=x\r\n", 200),
        ("GET", "/api/v1/admin/orders", token, 200),
        ("POST", "/api/v1/orders", "", 503),
        ("POST", "/api/v1/checkout/quote", token, 503),
        ("GET", "/cart", "cookie: hf_c=x\r\n", 503),
        ("GET", "/p/mug", "cookie: hf_s=x\r\n", 503),
        ("GET", "/", "", 503),
    ] {
        let (status, ..) = ask(address, method, path, with).await;
        assert_eq!(status, wanted, "{method} {path}");
    }
}

/// Work that takes a while wherever it runs.
fn work() -> u64 {
    (0..2_000_000_u64).fold(0, |sum, step| std::hint::black_box(sum ^ step.wrapping_mul(sum | 1)))
}

/// More is asked of one worker than it can do: newcomers are refused, and notices are taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_saturated_server_refuses_newcomers_and_takes_every_notice() {
    let routes = Router::new()
        .route("/", get(async || work().to_string()))
        .route("/hooks/sandbox", post(async || "taken"));
    let address = serve(routes, Admission::bare(kernel::Env::system())).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut newcomers = JoinSet::new();
    for _ in 0..CLIENTS {
        let over = over.clone();
        newcomers.spawn(async move {
            let mut statuses = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let (status, ..) = ask(address, "GET", "/", "").await;
                if status == 503 {
                    over.store(true, Ordering::Relaxed);
                }
                statuses.push(status);
            }
            statuses
        });
    }
    let notices = async {
        let mut taken = 0;
        while !over.load(Ordering::Relaxed) || taken < 20 {
            let (status, ..) =
                ask(address, "POST", "/hooks/sandbox", "content-length: 0\r\n").await;
            assert_eq!(status, 200, "a notice is never refused");
            taken += 1;
        }
    };
    let all = async { (newcomers.join_all().await, notices.await) };
    let (statuses, ()) = tokio::time::timeout(LOST, all).await.expect("somebody is refused");
    let statuses: Vec<u16> = statuses.into_iter().flatten().collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)));
    assert!(statuses.contains(&503) && statuses.contains(&200));
}
