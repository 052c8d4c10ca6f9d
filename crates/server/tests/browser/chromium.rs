//! A real browser, driven over its own protocol (Chrome `DevTools`), as messages in a pipe: JSON,
//! each ended by a zero byte, on the browser's file descriptors 3 and 4.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

use crate::WAIT;

/// Which variable names the browser (`cargo xtask test` sets it).
const PROGRAM: &str = "HOLDFAST_TEST_CHROMIUM";

/// The shell lays the pipes where the browser looks for them.
const START: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;

const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    // Tests run as root in a container; what they open is our own.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
];

/// A browser of its own, without a past.
pub struct Chromium {
    line: Arc<Line>,
    child: Child,
    _profile: TempDir,
}

/// The pipe to it.
pub struct Line {
    stdin: Mutex<ChildStdin>,
    next: AtomicU64,
    heard: Arc<Heard>,
}

/// What came back.
#[derive(Default)]
struct Heard {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    /// By session: events since the last look, and a bell.
    events: Mutex<HashMap<String, Vec<Value>>>,
    bell: watch::Sender<u64>,
}

impl Chromium {
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "how the test command tells of the browser")]
        let program = std::env::var(PROGRAM).unwrap_or_else(|_| {
            panic!("{PROGRAM} is not set: run the tests with `cargo xtask test`")
        });
        assert!(Path::new(&program).exists(), "there is no browser at {program}");
        let profile = TempDir::with_prefix("holdfast-browser-").unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", START, &program]).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.env("HOME", profile.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let heard = Arc::<Heard>::default();
        let ear = heard.clone();
        std::thread::spawn(move || listen(stdout, &ear));
        let line = Line { stdin: Mutex::new(stdin), next: AtomicU64::new(1), heard };
        Self { line: Arc::new(line), child, _profile: profile }
    }

    /// A fresh tab in a window that shares nothing with others; gives its session.
    pub async fn tab(&self) -> (Arc<Line>, String) {
        let line = &self.line;
        let context = line.call("", "Target.createBrowserContext", json!({})).await;
        let target =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = line.call("", "Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = line.call("", "Target.attachToTarget", attach).await;
        (line.clone(), session["sessionId"].as_str().unwrap().to_owned())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // What is still to be said of it is said by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stdout: ChildStdout, heard: &Heard) {
    let mut lines = BufReader::new(stdout);
    let mut message = Vec::new();
    while lines.read_until(0, &mut message).is_ok_and(|read| read > 0) {
        message.pop();
        let said: Value = serde_json::from_slice(&message).unwrap();
        message.clear();
        if let Some(id) = said["id"].as_u64() {
            if let Some(asker) = heard.waiting.lock().unwrap().remove(&id) {
                let _ = asker.send(said);
            }
        } else {
            let session = said["sessionId"].as_str().unwrap_or_default().to_owned();
            heard.events.lock().unwrap().entry(session).or_default().push(said);
            heard.bell.send_modify(|rung| *rung += 1);
        }
    }
}

impl Line {
    /// Asks for something, in a session or of the browser as a whole; fails when it is refused.
    pub async fn call(&self, session: &str, method: &str, parameters: Value) -> Value {
        let answer = self.ask(session, method, parameters).await;
        answer.unwrap_or_else(|refusal| panic!("{method}: {refusal}"))
    }

    /// The same; gives the refusal.
    pub async fn ask(&self, session: &str, method: &str, asks: Value) -> Result<Value, Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut asked = json!({ "id": id, "method": method, "params": asks });
        if !session.is_empty() {
            asked["sessionId"] = session.into();
        }
        let (asker, answer) = oneshot::channel();
        self.heard.waiting.lock().unwrap().insert(id, asker);
        let mut bytes = serde_json::to_vec(&asked).unwrap();
        bytes.push(0);
        self.stdin.lock().unwrap().write_all(&bytes).unwrap();
        let mut answer = tokio::time::timeout(WAIT, answer)
            .await
            .unwrap_or_else(|_| panic!("the browser does not answer {method}"))
            .unwrap_or_else(|_| panic!("the browser is gone: {method}"));
        match answer.get_mut("error") {
            Some(refusal) => Err(refusal.take()),
            None => Ok(answer["result"].take()),
        }
    }

    /// What a session told since the last look.
    pub fn news(&self, session: &str) -> Vec<Value> {
        self.heard.events.lock().unwrap().remove(session).unwrap_or_default()
    }

    /// Rings when anything is told; taken before a look, so that nothing is missed.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.heard.bell.subscribe()
    }
}
