//! What a mail server and a provider of SMS hear, and what becomes of what they say.

use std::collections::BTreeMap;

use jobs::post::{Carrier as _, HttpSms, Mail, MailSettings, Message, NotCarried, SmsSettings};

use crate::postbox::{Postbox, Script};

fn message(to: &str) -> Message {
    Message {
        to: to.into(),
        subject: "042137 is your code for Käse & Söhne".into(),
        text: "Hello,\n\n    042137\n.\nBye\n".into(),
        html: "<p>042137</p>".into(),
        id: "0192f0c1.1@shop.example".into(),
        at: "2027-01-15T08:00:00Z".parse().unwrap(),
    }
}

async fn mail(script: Script) -> (Postbox, Mail) {
    let postbox = Postbox::smtp(script).await;
    let url = format!("smtp://{}", postbox.address);
    let settings = MailSettings { url, from: "Käse & Söhne <shop@example.org>".into() };
    (postbox, Mail::new(&settings).unwrap())
}

#[tokio::test]
async fn a_mail_arrives_whole_and_the_line_is_kept() {
    let (postbox, mail) = mail(Vec::new()).await;
    for _ in 0..3 {
        mail.carry(&message("ada@example.org")).await.unwrap();
    }
    let all = postbox.all();
    assert_eq!(all.len(), 3);
    // A line comes back a moment after its mail is gone.
    assert!(postbox.connections() < 3, "{} lines", postbox.connections());
    for line in [
        "To: ada@example.org\r\n",
        "<shop@example.org>\r\n",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
        "Message-ID: <0192f0c1.1@shop.example>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/alternative;",
        "text/plain",
        "text/html",
        "\r\n..\r\n",
    ] {
        assert!(all[0].contains(line), "{line:?} is not in {}", all[0]);
    }
}

#[tokio::test]
async fn what_a_mail_server_says_is_understood() {
    for (script, never) in [
        (vec![("RCPT", "550 no such user ada@example.org")], Some(true)),
        (vec![("RCPT", "450 later, ada@example.org")], Some(false)),
        (vec![("MAIL", "530 authentication required")], Some(false)),
        (vec![("DATA", "452 full")], Some(false)),
        (vec![(".", "554 looks like spam")], Some(true)),
        (vec![(".", "451 not now")], Some(false)),
        (vec![("MAIL", "")], Some(false)),
        // Taken, and its answer lost: it is carried again.
        (vec![(".", "")], Some(false)),
        (vec![], None),
    ] {
        let (_postbox, mail) = mail(script.clone()).await;
        let carried = mail.carry(&message("ada@example.org")).await;
        match (carried, never) {
            (Ok(()), None) => {}
            (Err(NotCarried::Never(why)), Some(true))
            | (Err(NotCarried::Later(why)), Some(false)) => {
                assert!(!why.contains("ada"), "{why}");
                // The next one goes.
                mail.carry(&message("bea@example.org")).await.unwrap();
            }
            (carried, _) => panic!("{script:?}: {carried:?}"),
        }
    }
    let nowhere = MailSettings { url: "smtp://127.0.0.1:1".into(), from: "a@example.org".into() };
    let carried = Mail::new(&nowhere).unwrap().carry(&message("ada@example.org")).await;
    assert!(matches!(carried, Err(NotCarried::Later(_))), "{carried:?}");
    let bad = MailSettings { url: "http://x".into(), from: "a@example.org".into() };
    assert!(Mail::new(&bad).is_err());
    let bad = MailSettings { url: "smtp://127.0.0.1:1".into(), from: "nobody".into() };
    assert!(Mail::new(&bad).is_err());
}

#[tokio::test]
async fn a_provider_of_sms_hears_what_its_template_says() {
    let postbox = Postbox::http(vec![503, 400]).await;
    let headers = [("content-type", "application/json"), ("authorization", "Bearer s3cret")];
    let settings = SmsSettings {
        url: format!("http://{}/send?to={{to}}", postbox.address),
        method: "POST".into(),
        headers: BTreeMap::from(headers.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        body: r#"{"to":"{to}","body":"{text}"}"#.into(),
    };
    let sms = HttpSms::new(&settings).unwrap();
    let said = Message { text: "\"042137\"\n{to}".into(), ..message("+41791234567") };
    let first = sms.carry(&said).await;
    assert_eq!(first, Err(NotCarried::Later("the SMS provider put it off: 503".into())));
    let second = sms.carry(&said).await;
    assert_eq!(second, Err(NotCarried::Never("the SMS provider refused it: 400".into())));
    sms.carry(&said).await.unwrap();
    let [heard] = &postbox.all()[..] else { panic!("one") };
    assert!(heard.starts_with("POST /send?to=%2B41791234567 HTTP/1.1"), "{heard}");
    assert!(heard.contains("authorization: Bearer s3cret"), "{heard}");
    let body = r#"{"to":"+41791234567","body":"\"042137\"\n{to}"}"#;
    assert!(heard.ends_with(body), "{heard}");
}
