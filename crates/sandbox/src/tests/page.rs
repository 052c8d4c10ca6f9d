//! The page for the payer.

use kernel::SignedDuration;
use reqwest::Response;
use serde_json::{Value, json};

use super::town::{Town, id};

async fn press(town: &Town, payment: &Value, button: &str) -> Response {
    let url = format!("{}/{button}", payment["confirm_url"].as_str().unwrap());
    town.http.post(url).send().await.unwrap()
}

async fn open_page(town: &Town, payment: &Value) -> (u16, String) {
    let answer = town.http.get(payment["confirm_url"].as_str().unwrap()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Follows the button to the page that goes back to the shop.
async fn follow(town: &Town, answer: Response) -> String {
    assert_eq!(answer.status(), 303);
    let to = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(to.starts_with("/pay/"), "to a page of our own: {to}");
    let url = format!("{}{to}", town.sandbox.base_url());
    town.http.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn shows_what_is_paid_and_takes_the_payment() {
    let mut town = Town::found().await;
    let payment = town.open().await;
    let (status, page) = open_page(&town, &payment).await;
    assert_eq!(status, 200);
    for text in ["TEST", "€94.50", "Order 7K3M-22", "127.0.0.1:8080", "15 Jan 2027, 08:15 UTC"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let done = follow(&town, press(&town, &payment, "pay").await).await;
    assert!(done.contains("<h1>Paid</h1>"), "{done}");
    let back = "http://127.0.0.1:8080/pay/7K3M-22/return?a=b&#38;c=d";
    assert!(done.contains(&format!("content=\"0; url={back}\"")), "{done}");
    assert!(done.contains(&format!("<a href=\"{back}\">")), "{done}");
    assert_eq!(town.shop.hear().await.json()["type"], "payment.succeeded");

    // A second press (an impatient finger, the Back button) pays nothing twice.
    follow(&town, press(&town, &payment, "pay").await).await;
    assert_eq!(press(&town, &payment, "decline").await.status(), 409);
    let (_, page) = open_page(&town, &payment).await;
    assert!(page.contains("<h1>Paid</h1>") && !page.contains("<button"), "{page}");
    assert!(!page.contains("http-equiv"), "only the way back goes by itself");
    assert!(!town.shop.has_heard_more());
}

#[tokio::test]
async fn declines_and_leaves() {
    let mut town = Town::found().await;
    let declined = town.open().await;
    let done = follow(&town, press(&town, &declined, "decline").await).await;
    assert!(done.contains("<h1>Declined</h1>"), "{done}");
    assert_eq!(town.status(&declined).await, "canceled");
    assert_eq!(town.shop.hear().await.json()["type"], "payment.canceled");
    assert_eq!(press(&town, &declined, "pay").await.status(), 409, "final");

    let left = town.open().await;
    let done = follow(&town, press(&town, &left, "leave").await).await;
    assert!(done.contains("<h1>Not paid</h1>"), "{done}");
    assert_eq!(town.status(&left).await, "pending");
    follow(&town, press(&town, &left, "pay").await).await;
    assert_eq!(town.status(&left).await, "succeeded", "one may come back");
}

#[tokio::test]
async fn takes_nothing_after_the_term() {
    let town = Town::found().await;
    let payment = town.open().await;
    town.clock.advance(SignedDuration::from_mins(15));
    let late = press(&town, &payment, "pay").await;
    assert_eq!(late.status(), 409);
    assert!(late.text().await.unwrap().contains("<h1>Time is up</h1>"));
    assert_eq!(town.status(&payment).await, "canceled");
}

#[tokio::test]
async fn escapes_what_the_shop_wrote() {
    let town = Town::found().await;
    let mut wish = town.wish();
    wish["description"] = json!("<script>alert('1')</script> & \"quotes\"");
    wish["return_url"] = json!("http://127.0.0.1:8080/\"><script>x</script>");
    let (_, payment) = town.post("/plain/v1/payments", "k", &wish).await;
    let (_, page) = open_page(&town, &payment).await;
    let done = follow(&town, press(&town, &payment, "pay").await).await;
    for text in [page, done] {
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&#60;script&#62;alert(&#39;1&#39;)"), "{text}");
    }
}

#[tokio::test]
async fn is_strict_about_where_things_come_from() {
    let town = Town::found().await;
    let payment = town.open().await;
    let answer = town.http.get(payment["confirm_url"].as_str().unwrap()).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["referrer-policy"], "same-origin");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script"));

    let pay = format!("{}/pay", payment["confirm_url"].as_str().unwrap());
    for site in ["cross-site", "same-site"] {
        let forged = town.http.post(&pay).header("Sec-Fetch-Site", site).send().await.unwrap();
        assert_eq!(forged.status(), 403, "{site}");
    }
    assert_eq!(town.status(&payment).await, "pending");
    let own = town.http.post(&pay).header("Sec-Fetch-Site", "same-origin").send().await.unwrap();
    assert_eq!(own.status(), 303);
}

#[tokio::test]
async fn unknown_addresses_are_said_to_be_so() {
    let town = Town::found().await;
    let payment = town.open().await;
    let nobody = json!({ "confirm_url": format!("{}/pay/pay_no", town.sandbox.base_url()) });
    let (status, page) = open_page(&town, &nobody).await;
    assert_eq!(status, 404);
    assert!(page.contains("No such payment"), "{page}");
    assert_eq!(press(&town, &nobody, "pay").await.status(), 404);
    assert_eq!(press(&town, &payment, "steal").await.status(), 404);
    let css = format!("{}/assets/pay.css", town.sandbox.base_url());
    let css = town.http.get(css).send().await.unwrap();
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(id(&payment).len(), 36);
}
