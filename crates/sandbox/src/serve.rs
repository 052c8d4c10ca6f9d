//! Connections. Not `axum::serve`: it has no time limit for slow headers, and a fault must be able
//! to drop the line instead of answering.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{any, get};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::gateway::Gateway;
use crate::world::World;
use crate::{call, clock, control, page};

const CONNECTIONS_MAX: usize = 1024;
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a shutdown waits for answers under way.
const GOODBYE: Duration = Duration::from_secs(5);
/// A pause after a failed accept (out of file descriptors, say), not to spin.
const BREATHER: Duration = Duration::from_millis(50);

/// Put on a response that must not be sent: the line is dropped instead.
#[derive(Clone, Copy)]
pub(crate) struct DropLine;

/// Everything there is.
pub(crate) fn routes(world: Arc<World>) -> Router {
    let of = |gateway| {
        let world = world.clone();
        any(move |request: Request<Body>| call::serve(world, gateway, request))
    };
    Router::new()
        .route("/plain/v1/{*rest}", of(Gateway::Plain))
        .route("/v3/{*rest}", of(Gateway::Yookassa))
        .route("/gateway.do", of(Gateway::Alipay))
        .route("/v1/{*rest}", of(Gateway::Stripe))
        .merge(page::routes())
        .route("/assets/pay.css", get(page::css))
        .route("/assets/icon.svg", get(page::icon))
        .merge(control::routes(&world))
        .with_state(world)
}

/// Serves until told to stop, then finishes what is under way.
pub(crate) async fn run(
    listener: TcpListener,
    world: Arc<World>,
    mut stopped: watch::Receiver<bool>,
) {
    let routes = routes(world.clone());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = async {
            // A place first: what is not accepted waits in the system's own bounded queue.
            let place = places.clone().acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, _)) => Some((stream, place)),
                Err(error) => {
                    tracing::warn!(%error, "the payment sandbox cannot accept a connection");
                    sleep(BREATHER).await;
                    None
                }
            }
        };
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = accepted => accepted,
        };
        let Some((stream, place)) = accepted else { continue };
        let (routes, world) = (routes.clone(), world.clone());
        let service = service_fn(move |request| answer(routes.clone(), world.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .serve_connection(TokioIo::<TcpStream>::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A line that breaks is the other side's business, or a fault that was asked for.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the payment sandbox broke");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(GOODBYE, graceful.shutdown()).await.is_err() {
        tracing::warn!("the payment sandbox stops with answers unfinished");
    }
}

async fn answer(
    routes: Router,
    world: Arc<World>,
    request: Request<Incoming>,
) -> Result<Response, &'static str> {
    let answered: Result<Response, Infallible> = routes.oneshot(request.map(Body::new)).await;
    let Ok(mut response) = answered;
    // By the sandbox's own clock, which may be wrong on purpose.
    let date = clock::http_date(world.fixed().env.now());
    if let Ok(date) = HeaderValue::try_from(date) {
        response.headers_mut().insert(header::DATE, date);
    }
    if response.extensions().get::<DropLine>().is_some() {
        return Err("dropped on purpose");
    }
    Ok(response)
}
