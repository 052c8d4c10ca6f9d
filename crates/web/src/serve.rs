//! The server: HTTP/1.1 and HTTP/2 with every timeout set by hand. The framework's own `serve`
//! installs no timer, so that slow headers would hang for ever.

mod patience;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::Admission;
use patience::Patience;

/// Time for the whole head of a request.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Time without a byte on an HTTP/2 connection before it is asked whether it lives.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Time without a byte before whoever has asked for nothing yet is given up; longer than a body may take,
/// so that whoever sends one too slowly is told.
const SILENCE_TIME: Duration = Duration::from_secs(15);
/// Time without a byte before a connection is given up; longer than any answer takes.
const STALL_TIME: Duration = Duration::from_mins(1);
/// Bytes of a request's head.
const HEADER_BYTES: usize = 32 * 1024;
/// Fields of a request's head.
const HEADER_FIELDS: usize = 100;
/// Connections at once; more wait at the door.
const CONNECTIONS_MAX: usize = 10_000;
/// Time for what is under way when the server stops.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` to those whom `admission` lets in, until `stop` comes; then
/// finishes what is under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    admission: Admission,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let watch = tokio::spawn(admission.clone().watch());
    let served = accept(listener, router, admission, stop).await;
    watch.abort();
    served
}

async fn accept(
    listener: TcpListener,
    router: Router,
    admission: Admission,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let builder = Arc::new(builder());
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(stop);
    loop {
        let seat = tokio::select! {
            seat = room.clone().acquire_owned() => seat,
            () = &mut stop => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others must leave first.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        kernel::crash_point!("web.connection-accepted");
        let connection = connection(&builder, stream, peer, router.clone(), &admission);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended");
            }
            drop(seat);
        });
    }
    drop(listener);
    let finished = tokio::time::timeout(STOP_TIME, graceful.shutdown()).await;
    if finished.is_err() {
        tracing::warn!("some requests were cut off when the server stopped");
    }
    Ok(())
}

/// Whether a request says once whom it is for. Whoever stands in front of us might read another
/// of two names, or guess where there is none (RFC 9112, 3.2).
fn names_its_host(request: &http::Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    match request.version() {
        Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    }
}

/// The answer to one that does not; what comes behind it on the connection is not looked at.
fn no_host() -> Response {
    (StatusCode::BAD_REQUEST, [(header::CONNECTION, "close")]).into_response()
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES.max(8192))
        .max_headers(HEADER_FIELDS)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(IDLE_TIME))
        .keep_alive_timeout(HEADER_TIME)
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(Some(20));
    builder
}

fn connection(
    builder: &Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    admission: &Admission,
) -> impl hyper_util::server::graceful::GracefulConnection<
    Error = Box<dyn std::error::Error + Send + Sync>,
> + Send
+ 'static {
    // Answers are whole when they are written: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no-delay was not set");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&asked);
    let admission = admission.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        let admitted = admission.admit(request.method(), request.uri().path(), request.headers());
        let router = router.clone();
        async move {
            kernel::crash_point!("web.head-read");
            let _seat = match admitted {
                Ok(seat) => seat,
                Err(refusal) => return Ok(*refusal),
            };
            if !names_its_host(&request) {
                return Ok(no_host());
            }
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            kernel::crash_point!("web.answer-ready");
            Ok::<_, Infallible>(answer)
        }
    });
    let stream = Patience::new(TokioIo::new(stream), SILENCE_TIME, STALL_TIME, asked);
    builder.serve_connection(stream, service).into_owned()
}
