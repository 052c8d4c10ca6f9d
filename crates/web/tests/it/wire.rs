//! What only shows on the wire: bytes that are no request, and clients that take their time. The
//! clock of the runtime stands until nobody has anything to do, and then jumps to the next alarm.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use web::extract::{Body, Json};

/// Longer than any limit of the server.
const FOR_EVER: Duration = Duration::from_hours(1);

/// More than the system keeps for a connection.
const LARGE: usize = 64 * 1024 * 1024;

/// A server that needs no database.
async fn server() -> SocketAddr {
    let routes = Router::new()
        .route("/", get(async || "home"))
        .route("/echo", post(async |Body(body): Body| body))
        .route("/json", post(async |Json(_): Json<serde_json::Value>| "json"))
        .route("/slow", get(slow))
        .route("/large", get(async || Bytes::from(vec![b'x'; LARGE])));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let admission = web::Admission::bare(kernel::Env::system());
    tokio::spawn(web::serve(listener, routes, admission, std::future::pending()));
    address
}

/// Takes nearly as long as any answer may.
async fn slow() -> &'static str {
    let nothing = timeout(Duration::from_secs(29), std::future::pending::<()>()).await;
    assert!(nothing.is_err());
    "at last"
}

/// Sends, and reads until the server closes; gives what came and how long it took.
async fn hear(address: SocketAddr, send: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    stream.write_all(send).await.unwrap();
    let mut heard = Vec::new();
    let closed = timeout(FOR_EVER, stream.read_to_end(&mut heard)).await;
    assert!(closed.is_ok(), "the connection was left open");
    (String::from_utf8_lossy(&heard).into_owned(), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn nobody_may_say_nothing_for_ever() {
    let address = server().await;
    for silence in ["", "P", "PRI * HT", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: a\r\nx-a: "]
    {
        let (heard, took) = hear(address, silence.as_bytes()).await;
        assert!(!heard.contains("200"), "{silence:?}: {heard}");
        assert!(took <= Duration::from_secs(16), "{silence:?} was heard for {took:?}");
    }
    let (heard, took) = hear(address, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("home"), "{heard}");
    assert!(took <= Duration::from_secs(61), "idle for {took:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_asked_is_answered_however_long_it_takes() {
    let address = server().await;
    let request = "GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let (heard, took) = hear(address, request.as_bytes()).await;
    assert!(heard.ends_with("at last"), "{heard:?} after {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_has_to_come() {
    let address = server().await;
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345";
    let (heard, took) = hear(address, head.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
    assert!(heard.contains("/problems/request-timeout"), "{heard}");
    assert!(took <= Duration::from_secs(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_to_be_taken() {
    let address = server().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // Nothing is read: the answer fills what the system keeps for us, and stays there.
    let nothing = timeout(Duration::from_secs(65), std::future::pending::<()>()).await;
    assert!(nothing.is_err());
    let mut heard = Vec::new();
    // The rest of what the system kept comes, and then the end, which may be a hard one.
    let _ = timeout(FOR_EVER, stream.read_to_end(&mut heard)).await.expect("an end");
    assert!(heard.len() < LARGE, "the answer waited for us");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_answered_once() {
    let address = server().await;
    let second = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let long = "a".repeat(40_000);
    let cases = [
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\n\r\nabcd".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4, 4\r\n\r\nabcd".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST /echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nx-a: b\r\n folded\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\nhost: a\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}".to_owned() + &"\0".repeat(100), 400),
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx-a: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x-a: b\r\n".repeat(200)), 431),
    ];
    for (request, status) in cases {
        let (heard, _) = hear(address, format!("{request}{second}").as_bytes()).await;
        let start: String = request.chars().take(90).collect();
        assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{start:?}: {heard}");
        assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{start:?}: {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_decides_over_a_length() {
    let address = server().await;
    let both = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
                1\r\nz\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let (heard, _) = hear(address, both.as_bytes()).await;
    assert!(!heard.contains("home"), "the second request was answered: {heard}");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_not_read() {
    let address = server().await;
    let head = "POST /json HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 9999999999\r\nexpect: 100-continue\r\n\r\n";
    let (heard, _) = hear(address, head.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 413"), "nobody asks for the rest: {heard}");
    let chunk = format!("8000\r\n{}\r\n", "a".repeat(0x8000)).repeat(3);
    let chunked = format!(
        "POST /json HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{chunk}"
    );
    let (heard, _) = hear(address, chunked.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 413"), "{heard}");
}
