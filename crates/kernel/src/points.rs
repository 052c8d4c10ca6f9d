//! Crash points: named places in the code where `load crash` ends the process, to see whether
//! the next start finds everything in order.
//!
//! A point is one line, `kernel::crash_point!("writer.committed");`. It compiles to nothing
//! unless the feature `failpoints` is on, and a shop that is handed out is built without it. All
//! of them are listed in `docs/crash-points.md`; `cargo xtask tidy` compares the list with the
//! code.
//!
//! With the feature, `FAILPOINTS="writer.committed=5*off->return"` in the environment ends the
//! process the sixth time it comes by: at once, as if it had been killed there.

/// A place where the process may be ended; see the [module's words](crate::points).
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}

/// A place where the process may be ended; see the [module's words](crate::points).
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::points::passed($name)
    };
}

/// A word that such a build may be told to use instead of its own, for tests of the tests.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! crash_word {
    ($name:literal, $own:literal) => {
        $own
    };
}

/// A word that such a build may be told to use instead of its own, for tests of the tests.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! crash_word {
    ($name:literal, $own:literal) => {
        $crate::points::word($name).unwrap_or_else(|| $own.to_owned())
    };
}

#[cfg(feature = "failpoints")]
pub use armed::{LIST, arm, passed, word};

#[cfg(feature = "failpoints")]
mod armed {
    use std::io::Write as _;

    /// Every point with where it stands, as Markdown.
    pub const LIST: &str = include_str!("../../../docs/crash-points.md");

    /// Takes what `FAILPOINTS` says; it holds while the answer lives.
    ///
    /// # Panics
    /// When what it says is not understood: an unarmed shop must not pass for an armed one.
    pub fn arm() -> fail::FailScenario<'static> {
        let scenario = fail::FailScenario::setup();
        for (name, _) in fail::list() {
            assert!(LIST.contains(&format!("| `{name}` |")), "there is no crash point `{name}`");
        }
        scenario
    }

    /// Ends the process when the point is armed and it is its turn.
    pub fn passed(name: &'static str) {
        fail::fail_point!(name, |_| {
            // The words are for a person; that they cannot be said changes nothing.
            let _ = writeln!(std::io::stderr(), "crash point {name}");
            std::process::abort()
        });
    }

    /// What `FAILPOINTS="name=return(word)"` says to a place that asks for a word.
    pub fn word(name: &'static str) -> Option<String> {
        fail::eval(name, |word| word)?
    }
}
