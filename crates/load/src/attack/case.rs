//! What an attack is, and what came of its cases.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;

use super::ask::Answer;
use super::kit::Kit;

/// An attack: a line of its group's table.
pub struct Attack {
    /// A letter and two digits; stable.
    pub id: &'static str,
    /// What is tried, in a line.
    pub name: &'static str,
    /// Does it, and enters every case into the sheet.
    pub run: Carry,
}

/// An attack under way.
pub type Run<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;
/// How an attack is carried out.
pub type Carry = for<'a> fn(&'a Kit, &'a mut Sheet) -> Run<'a>;

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The shop answered as it should.
    Held,
    /// It did not: a bug of the shop.
    GotThrough,
    /// It could not be tried, which is no better than not having tried.
    NotTried,
    /// There is nothing to aim at here.
    NotHere,
}

impl Verdict {
    /// As it is written in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::GotThrough => "GOT THROUGH",
            Self::NotTried => "not tried",
            Self::NotHere => "not here",
        }
    }

    /// Whether a run with it is good.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Held | Self::NotHere)
    }
}

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// `A01.2`
    pub id: String,
    pub did: String,
    pub expected: String,
    pub seen: String,
    pub verdict: Verdict,
}

/// The cases of one attack.
#[derive(Debug)]
pub struct Sheet {
    attack: &'static str,
    pub cases: Vec<Case>,
}

impl Sheet {
    pub fn new(attack: &'static str) -> Self {
        Self { attack, cases: Vec::new() }
    }

    /// Enters a case.
    pub fn note(
        &mut self,
        did: impl Into<String>,
        expected: impl Into<String>,
        seen: impl Into<String>,
        held: bool,
    ) {
        let verdict = if held { Verdict::Held } else { Verdict::GotThrough };
        self.enter(did.into(), expected.into(), seen.into(), verdict);
    }

    /// Enters a case that has nothing to aim at.
    pub fn not_here(&mut self, did: impl Into<String>, why: impl Into<String>) {
        self.enter(did.into(), "–".into(), why.into(), Verdict::NotHere);
    }

    /// Enters that the attack broke off.
    pub fn broke_off(&mut self, error: &anyhow::Error) {
        let did = "the rest of this attack".to_owned();
        self.enter(did, "that it can be tried".into(), format!("{error:#}"), Verdict::NotTried);
    }

    /// Enters a request that must be refused in one of these ways; a code of "" stands for any.
    pub fn refused(&mut self, did: impl Into<String>, wanted: &[(u16, &str)], answer: &Answer) {
        let held = wanted.iter().any(|(status, code)| {
            answer.status == *status && (code.is_empty() || answer.code() == *code)
        });
        let expected: Vec<String> =
            wanted.iter().map(|(status, code)| format!("{status} {code}").trim().into()).collect();
        self.note(did, expected.join(" or "), answer.in_short(), held);
    }

    fn enter(&mut self, did: String, expected: String, seen: String, verdict: Verdict) {
        let id = format!("{}.{}", self.attack, self.cases.len() + 1);
        self.cases.push(Case { id, did, expected, seen, verdict });
    }
}
