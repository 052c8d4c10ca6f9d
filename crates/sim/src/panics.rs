//! What panics on the way, heard where it begins: the lane and the store turn a panic into a fault
//! for whoever asked, and that one may well try again and say nothing.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static LISTENING: Once = Once::new();
static HUSHED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Of this thread, since it was last asked for: a life is lived on one.
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what panics from now on, beside what is done about it otherwise.
pub fn listen() {
    LISTENING.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(String::new, |it| format!("{it}: "));
            let heard = format!("{place}{}", words(panic.payload()));
            HEARD.with_borrow_mut(|all| all.push(heard));
            if !HUSHED.load(Ordering::Relaxed) {
                before(panic);
            }
        }));
    });
}

/// Has nothing printed of it: it is told at the end of a life, with everything before it.
pub fn hush() {
    listen();
    HUSHED.store(true, Ordering::Relaxed);
}

/// What panicked on this thread since this was last asked.
pub fn heard() -> Vec<String> {
    HEARD.take()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "something that has no words".to_owned())
}
