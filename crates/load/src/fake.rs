//! A shop in memory that speaks as much of the contract as the scenarios need, with bad habits on
//! demand: what the tool must notice is played here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Token;
use crate::shop::Shop;

/// What this shop does wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// Sells what it does not have.
    pub oversells: bool,
    /// Every so many-th order is answered 500.
    pub fails_every: Option<u64>,
    /// So many orders are first turned away with 503.
    pub turns_away: u64,
    /// One quote sent twice makes two orders.
    pub forgets_quotes: bool,
    /// Every so many-th order is acknowledged and lost.
    pub loses_every: Option<u64>,
    /// Orders cost one more than quoted.
    pub overcharges: bool,
}

#[derive(Default)]
struct Books {
    habits: Habits,
    next_id: u128,
    placing: u64,
    turned_away: u64,
    stock: HashMap<Uuid, i64>,
    products: Vec<Value>,
    carts: HashMap<String, HashMap<Uuid, i64>>,
    quotes: HashMap<String, Vec<(Uuid, i64)>>,
    orders_by_quote: HashMap<String, Value>,
    orders: HashMap<Uuid, Value>,
}

impl Books {
    fn id(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }
}

type Shared = Arc<Mutex<Books>>;
type Body = Result<Json<Value>, axum::extract::rejection::JsonRejection>;

/// Opens it on a free port; it is closed with the test's runtime.
pub async fn open(habits: Habits) -> Shop {
    let books = Arc::new(Mutex::new(Books { habits, ..Books::default() }));
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/api/v1/accounts", post(register))
        .route("/api/v1/me/addresses", post(save_address))
        .route("/api/v1/admin/products", post(create_product))
        .route("/api/v1/products", get(list))
        .route("/api/v1/products/{slug}", get(product))
        .route("/api/v1/cart", get(cart).delete(clear_cart))
        .route("/api/v1/cart/lines", post(add_line))
        .route("/api/v1/cart/lines/{variant}", patch(change_line))
        .route("/api/v1/checkout/quote", post(quote))
        .route("/api/v1/orders", post(place))
        .route("/api/v1/orders/{id}", get(order))
        .route("/api/v1/orders/{id}/cancel", post(cancel))
        .route("/api/v1/orders/{id}/payments", post(pay))
        .with_state(books);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Shop::played(address, Token::new("owner").unwrap())
}

fn lock(books: &Shared) -> MutexGuard<'_, Books> {
    books.lock().unwrap()
}

fn problem(status: u16, code: &str) -> Response {
    let body = json!({ "type": format!("/problems/{code}"), "status": status });
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// Who asks: the bearer token itself.
fn who(headers: &HeaderMap) -> String {
    let value = headers.get("authorization").expect("a call without a token").to_str().unwrap();
    value.strip_prefix("Bearer ").unwrap().to_owned()
}

async fn register(State(books): State<Shared>, Json(body): Json<Value>) -> Response {
    assert!(body["login"].is_string() && body["password"].is_string() && body["name"].is_string());
    let id = lock(&books).id();
    let answer = json!({ "account": { "id": id }, "token": format!("t{id}") });
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn save_address(State(books): State<Shared>, headers: HeaderMap) -> Response {
    who(&headers);
    let id = lock(&books).id();
    (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
}

async fn create_product(State(books): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut books = lock(&books);
    let (id, variant) = (books.id(), books.id());
    let units = body["variants"][0]["units"].as_i64().unwrap();
    books.stock.insert(variant, units);
    let product = json!({
        "id": id, "slug": body["slug"],
        "variants": [{ "id": variant, "available": units }],
    });
    books.products.push(product.clone());
    (StatusCode::CREATED, Json(product)).into_response()
}

async fn list(
    State(books): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let books = lock(&books);
    let limit: usize = query["limit"].parse().unwrap();
    let from = query.get("cursor").map_or(0, |cursor| {
        cursor.strip_prefix("from+").expect("a cursor comes back as it was").parse().unwrap()
    });
    let items: Vec<Value> = books.products.iter().skip(from).take(limit).cloned().collect();
    let next = (from + limit < books.products.len()).then(|| format!("from+{}", from + limit));
    Json(json!({ "items": items, "next_cursor": next }))
}

async fn product(State(books): State<Shared>, Path(slug): Path<String>) -> Response {
    let books = lock(&books);
    let Some(product) = books.products.iter().find(|product| product["slug"] == slug.as_str())
    else {
        return problem(404, "not-found");
    };
    let mut product = product.clone();
    let variant = Uuid::parse_str(product["variants"][0]["id"].as_str().unwrap()).unwrap();
    product["variants"][0]["available"] = json!(books.stock[&variant]);
    Json(product).into_response()
}

async fn cart(headers: HeaderMap) -> Json<Value> {
    Json(json!({ "id": who(&headers) }))
}

async fn clear_cart(State(books): State<Shared>, headers: HeaderMap) -> Json<Value> {
    lock(&books).carts.remove(&who(&headers));
    Json(json!({ "lines": [] }))
}

async fn add_line(
    State(books): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let variant = Uuid::parse_str(body["variant_id"].as_str().unwrap()).unwrap();
    let mut books = lock(&books);
    let cart = books.carts.entry(who(&headers)).or_default();
    *cart.entry(variant).or_default() += body["quantity"].as_i64().unwrap();
    Json(json!({}))
}

async fn change_line(
    State(books): State<Shared>,
    headers: HeaderMap,
    Path(variant): Path<Uuid>,
    Json(body): Json<Value>,
) -> Response {
    let mut books = lock(&books);
    let cart = books.carts.entry(who(&headers)).or_default();
    let Some(quantity) = cart.get_mut(&variant) else { return problem(404, "no-such-line") };
    *quantity += body["change"].as_i64().unwrap();
    Json(json!({})).into_response()
}

async fn quote(
    State(books): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    Uuid::parse_str(body["address_id"].as_str().unwrap()).unwrap();
    let mut books = lock(&books);
    let lines: Vec<(Uuid, i64)> = if body["source"] == "cart" {
        books.carts.remove(&who(&headers)).unwrap_or_default().into_iter().collect()
    } else {
        let variant = Uuid::parse_str(body["variant_id"].as_str().unwrap()).unwrap();
        vec![(variant, body["quantity"].as_i64().unwrap())]
    };
    if lines.is_empty() {
        return problem(422, "nothing-selected");
    }
    let token = format!("q\"{}\"", books.id());
    let total: i64 = lines.iter().map(|(_, quantity)| quantity * 100).sum();
    books.quotes.insert(token.clone(), lines);
    Json(json!({ "token": token, "total": { "minor": total, "currency": "EUR" } })).into_response()
}

async fn place(State(books): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    who(&headers);
    // A client that died in the middle leaves a body that does not parse.
    let Ok(Json(body)) = body else { return problem(400, "malformed") };
    let mut books = lock(&books);
    let token = body["quote"].as_str().unwrap().to_owned();
    if !books.habits.forgets_quotes
        && let Some(order) = books.orders_by_quote.get(&token)
    {
        return Json(order.clone()).into_response();
    }
    if books.turned_away < books.habits.turns_away {
        books.turned_away += 1;
        let mut answer = problem(503, "overloaded");
        answer.headers_mut().insert("retry-after", "0".parse().unwrap());
        return answer;
    }
    books.placing += 1;
    let every = |nth: Option<u64>| nth.is_some_and(|nth| books.placing.is_multiple_of(nth));
    let (fails, loses) = (every(books.habits.fails_every), every(books.habits.loses_every));
    if fails {
        return problem(500, "internal");
    }
    let lines = books.quotes[&token].clone();
    let short = |(variant, quantity): &(Uuid, i64)| books.stock[variant] < *quantity;
    if !books.habits.oversells && lines.iter().any(short) {
        return problem(409, "out-of-stock");
    }
    let mut total = i64::from(books.habits.overcharges);
    for (variant, quantity) in lines {
        *books.stock.get_mut(&variant).unwrap() -= quantity;
        total += quantity * 100;
    }
    let id = books.id();
    let order = json!({
        "id": id, "number": format!("N-{}", id.simple()), "state": "cash_due",
        "total": { "minor": total, "currency": "EUR" },
    });
    if !loses {
        books.orders.insert(id, order.clone());
    }
    books.orders_by_quote.insert(token, order.clone());
    (StatusCode::CREATED, Json(order)).into_response()
}

async fn order(State(books): State<Shared>, Path(id): Path<Uuid>) -> Response {
    match lock(&books).orders.get(&id) {
        Some(order) => Json(order.clone()).into_response(),
        None => problem(404, "not-found"),
    }
}

async fn cancel(State(books): State<Shared>, headers: HeaderMap, Path(id): Path<Uuid>) -> Response {
    assert!(headers.contains_key("idempotency-key"));
    let mut books = lock(&books);
    let Some(order) = books.orders.get_mut(&id) else { return problem(404, "not-found") };
    order["state"] = json!("cancelled");
    Json(order.clone()).into_response()
}

async fn pay(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert!(headers.contains_key("idempotency-key") && body == json!({}));
    (StatusCode::CREATED, Json(json!({ "id": Uuid::nil() }))).into_response()
}
