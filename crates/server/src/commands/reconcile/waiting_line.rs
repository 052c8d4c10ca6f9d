//! A line on the terminal for whoever waits: how far reading a gateway's books has come. Nothing
//! is written where nobody looks.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// See the module's words.
#[derive(Default)]
pub(super) struct WaitingLine {
    drawn: AtomicBool,
    last: Mutex<(String, usize)>,
}

impl WaitingLine {
    /// So many entries have been read at a gateway.
    pub fn hear(&self, gateway: &str, entries: usize) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        if let Ok(mut last) = self.last.lock() {
            // A gateway's list of refunds goes on where that of its payments ended.
            *last = (gateway.to_owned(), entries.max(if last.0 == gateway { last.1 } else { 0 }));
            let (name, entries) = &*last;
            let bar = "▪".repeat((entries / 100 + 1).min(20));
            // A terminal that takes no line more is nobody's loss.
            let _ = write!(std::io::stderr(), "\r\x1b[K{name}: {bar} {entries} entries read");
            let _ = std::io::stderr().flush();
            self.drawn.store(true, Ordering::Relaxed);
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.drawn.swap(false, Ordering::Relaxed) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }
}
