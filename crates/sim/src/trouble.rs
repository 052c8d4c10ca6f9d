//! What can go wrong in a life, each to be switched off on its own.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

macro_rules! troubles {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// A kind of trouble.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Trouble { $($(#[$doc])* $name,)+ }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word for it on the command line.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

troubles! {
    /// The process dies at a door and is started again.
    Crash = "crash",
    /// The database does not do what it is asked.
    Storage = "storage",
    /// The database did what it was asked, and its answer is lost.
    LostAnswer = "lost-answer",
    /// A call takes its time.
    Slow = "slow",
    /// A gateway cannot be reached, does not answer, or refuses.
    Gateway = "gateway",
    /// Notices are lost, late, doubled, in another order.
    Notices = "notices",
    /// A gateway's word does not fit what was asked of it.
    Lies = "lies",
    /// Money comes after its time was over.
    LateMoney = "late-money",
    /// The shop's clock jumps.
    Clock = "clock",
    /// A caller goes away before the answer.
    Impatience = "impatience",
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Trouble {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|trouble| trouble.word() == text);
        found.copied().ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|trouble| trouble.word()).collect();
            format!("`{text}` is no trouble; they are {}", words.join(", "))
        })
    }
}

/// Which troubles there are just now. Clones share it.
#[derive(Clone, Debug)]
pub struct Troubles(Arc<AtomicU16>);

impl Troubles {
    /// All but these.
    pub fn without(off: &[Trouble]) -> Self {
        let on = Trouble::ALL.iter().filter(|trouble| !off.contains(trouble));
        Self(Arc::new(AtomicU16::new(on.fold(0, |all, trouble| all | bit(*trouble)))))
    }

    /// Whether there is this one.
    pub fn are_on(&self, trouble: Trouble) -> bool {
        self.0.load(Ordering::Relaxed) & bit(trouble) != 0
    }

    /// Nothing goes wrong any more.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

fn bit(trouble: Trouble) -> u16 {
    1 << trouble as u16
}
