//! A tab, as a person uses it: looks, reads, types, presses.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::WAIT;
use crate::chromium::{Chromium, Line};

/// Which variable names a directory for pictures of the pages; without it none are taken.
const PICTURES: &str = "HOLDFAST_TEST_PICTURES";

/// What somebody holds in their hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    Desktop,
    Phone,
}

impl Device {
    fn size(self) -> (i64, i64) {
        match self {
            Self::Desktop => (1280, 900),
            Self::Phone => (390, 844),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Desktop => "1280",
            Self::Phone => "390",
        }
    }
}

const PHONE: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36";

/// What there is to see of a page at one moment.
const PAGE: &str = "({
    whole: document.readyState === 'complete',
    place: location.href,
    text: document.body ? document.body.innerText : '',
    wide: document.documentElement.scrollWidth - innerWidth,
    heads: document.querySelectorAll('h1').length,
    twice: (ids => ids.length - new Set(ids).size)
        ([...document.querySelectorAll('[id]')].map(it => it.id)),
})";

pub struct Tab {
    line: Arc<Line>,
    session: String,
    device: Device,
    /// What went wrong on the way, by the browser's word.
    wrong: Mutex<Vec<String>>,
}

impl Tab {
    pub async fn open(browser: &Chromium, device: Device) -> Self {
        let (line, session) = browser.tab().await;
        let tab = Self { line, session, device, wrong: Mutex::default() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        let ((width, height), phone) = (device.size(), device == Device::Phone);
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 },
            "mobile": phone,
        });
        tab.call("Emulation.setDeviceMetricsOverride", metrics).await;
        if phone {
            let agent = json!({ "userAgent": PHONE, "userAgentMetadata": {
                "platform": "Android", "platformVersion": "15", "architecture": "",
                "model": "Pixel 9", "mobile": true,
            }});
            tab.call("Emulation.setUserAgentOverride", agent).await;
            tab.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
        }
        tab
    }

    async fn call(&self, method: &str, parameters: Value) -> Value {
        self.line.call(&self.session, method, parameters).await
    }

    pub async fn visit(&self, url: &str) {
        let gone = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(gone.get("errorText").is_none(), "{url}: {gone}");
    }

    pub async fn reload(&self) {
        self.call("Page.reload", json!({})).await;
    }

    /// What an expression in the page's own language comes to. A page that goes away while it is
    /// asked is followed by another, and that one is asked.
    pub async fn look(&self, expression: &str) -> Value {
        let wish = json!({ "expression": expression, "returnByValue": true });
        let deadline = Instant::now() + WAIT;
        loop {
            let asked = self.line.ask(&self.session, "Runtime.evaluate", wish.clone()).await;
            match asked {
                Ok(mut answer) => return answer["result"]["value"].take(),
                Err(why) if went_away(&why) && Instant::now() < deadline => {}
                Err(why) => panic!("{expression}: {why}"),
            }
        }
    }

    /// Presses the first button of the form that this field is in.
    pub async fn submit(&self, field: &str) {
        let sent = format!(
            "(() => {{ const it = document.querySelector('[name={field}]'); \
             if (!it) return false; it.form.requestSubmit(); return true; }})()"
        );
        assert_eq!(self.look(&sent).await, json!(true), "no {field}");
    }

    /// Everything that can be read.
    pub async fn text(&self) -> String {
        text_of(&self.look("document.body ? document.body.innerText : ''").await)
    }

    pub async fn address(&self) -> String {
        self.look("location.href").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page says all of `words`, and looks at it as a whole; fails with what it
    /// says instead.
    pub async fn until(&self, words: &[&str]) -> String {
        let deadline = Instant::now() + WAIT;
        loop {
            assert!(Instant::now() < deadline, "the shop stays busy: {}", self.address().await);
            let mut bell = self.line.bell();
            // One look: between two the page may be another.
            let page = self.look(PAGE).await;
            let (whole, text) = (page["whole"] == json!(true), text_of(&page["text"]));
            if whole && words.iter().all(|word| text.contains(word)) {
                if !self.was_sent_away() {
                    inspect(&page);
                    let wrong = self.wrong.lock().unwrap().clone();
                    assert!(wrong.is_empty(), "{}: {wrong:?}", self.address().await);
                    return text;
                }
                self.reload().await;
                continue;
            }
            if whole && self.was_sent_away() {
                self.reload().await;
                continue;
            }
            // The gateway could not be asked just then: the page says what to do.
            if whole && text.contains("Check again") {
                self.press("Check again").await;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let rang = tokio::time::timeout(left, bell.changed()).await.is_ok();
            assert!(rang, "{words:?} at {}:\n{text}", self.address().await);
        }
    }

    /// The same for a page that is to change by what happens elsewhere: it is loaded again until
    /// it says so.
    pub async fn reload_until(&self, words: &[&str]) -> String {
        let deadline = Instant::now() + WAIT;
        loop {
            let text = self.until(&[]).await;
            if words.iter().all(|word| text.contains(word)) {
                return text;
            }
            assert!(Instant::now() < deadline, "{words:?} at {}:\n{text}", self.address().await);
            self.reload().await;
        }
    }

    /// Presses what carries these words: a button, a link, a label, a summary.
    pub async fn press(&self, words: &str) {
        let find = format!(
            "(() => {{ const all = [...document.querySelectorAll('button, a, label, summary')]; \
             const is = it => it.checkVisibility() && it.innerText.trim().startsWith({words:?}); \
             const it = all.find(is); if (!it) return null; \
             it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const at = it.getBoundingClientRect(); \
             return [at.left + at.width / 2, at.top + at.height / 2]; }})()"
        );
        let place = self.look(&find).await;
        let (Some(x), Some(y)) = (place[0].as_f64(), place[1].as_f64()) else {
            panic!("nothing to press says {words:?}:\n{}", self.text().await)
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Goes where the first link of this kind leads.
    pub async fn follow(&self, selector: &str) {
        let href = self.look(&format!("document.querySelector({selector:?})?.href ?? ''")).await;
        self.visit(href.as_str().unwrap()).await;
    }

    /// Types into the field of this name.
    pub async fn fill(&self, name: &str, text: &str) {
        let found = self
            .look(&format!(
                "(() => {{ const it = document.querySelector('[name={name}]'); \
                 if (!it) return false; it.focus(); it.select && it.select(); return true; }})()"
            ))
            .await;
        assert_eq!(found, json!(true), "no field {name} at {}", self.address().await);
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Chooses in the list of this name.
    pub async fn choose(&self, name: &str, value: &str) {
        let done = self
            .look(&format!(
                "(() => {{ const it = document.querySelector('select[name={name}]'); \
                 if (!it) return false; it.value = {value:?}; return it.value === {value:?}; }})()"
            ))
            .await;
        assert_eq!(done, json!(true), "no {value} in {name} at {}", self.address().await);
    }

    /// A picture of the whole page, where pictures are wanted.
    pub async fn picture(&self, name: &str) {
        #[expect(clippy::disallowed_methods, reason = "pictures are for whoever asks for them")]
        let Ok(directory) = std::env::var(PICTURES) else { return };
        let wish = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", wish).await;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(picture["data"].as_str().unwrap())
            .unwrap();
        std::fs::create_dir_all(&directory).unwrap();
        let path = PathBuf::from(directory).join(format!("{name}-{}.png", self.device.name()));
        std::fs::write(path, bytes).unwrap();
    }

    /// Whether the shop was too busy for a page or a part of it, as on a machine that does other
    /// things too: whoever is told to come back comes back.
    fn was_sent_away(&self) -> bool {
        self.hear();
        let mut wrong = self.wrong.lock().unwrap();
        let busy = |wrong: &String| {
            wrong.contains("a status of 503") || wrong.contains("Refused to apply style")
        };
        let busy = wrong.iter().any(busy);
        if busy {
            wrong.clear();
        }
        busy
    }

    /// Takes in what the browser told.
    fn hear(&self) {
        for event in self.line.news(&self.session) {
            let told = &event["params"];
            let wrong = match event["method"].as_str().unwrap_or_default() {
                "Log.entryAdded" if told["entry"]["level"] == "error" => {
                    // A form that was not right comes back with that, and says so itself.
                    let text = told["entry"]["text"].to_string();
                    (!text.contains("a status of 422")).then_some(text)
                }
                "Runtime.exceptionThrown" => Some(told["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" => Some(told["args"].to_string()),
                "Network.requestWillBeSent" => {
                    let url = told["request"]["url"].as_str().unwrap_or_default();
                    let ours = url.starts_with("http://127.0.0.1:") || url.starts_with("data:");
                    (!ours).then(|| format!("asks elsewhere: {url}"))
                }
                _ => None,
            };
            self.wrong.lock().unwrap().extend(wrong);
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What has to be so on every page.
fn inspect(page: &Value) {
    let place = &page["place"];
    assert!(page["wide"].as_i64().is_some_and(|wide| wide <= 0), "too wide: {page}");
    assert_eq!(page["heads"], json!(1), "headlines of {place}");
    assert_eq!(page["twice"], json!(0), "ids of {place} that are there twice");
}

/// Whether a page could not answer because another took its place.
fn went_away(refusal: &Value) -> bool {
    let message = refusal["message"].as_str().unwrap_or_default();
    ["navigated", "context"].iter().any(|word| message.contains(word))
}
