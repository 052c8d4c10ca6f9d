//! A carrier that keeps what it was given.

use std::sync::Mutex;

use jobs::post::{Carrier, Message, NotCarried};

use crate::shop::TestShop;

#[derive(Default)]
pub struct Letters(Mutex<Vec<Message>>);

impl Letters {
    pub fn all(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }

    pub fn newest(&self, to: &str) -> Message {
        let all = self.all();
        let theirs = all.iter().rev().find(|letter| letter.to == to);
        theirs.unwrap_or_else(|| panic!("no letter to {to} among {all:#?}")).clone()
    }
}

#[async_trait::async_trait]
impl Carrier for Letters {
    async fn carry(&self, message: &Message) -> Result<(), NotCarried> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

impl TestShop {
    /// Has what is due carried; gives the newest letter to somebody.
    pub async fn letter(&self, to: &str) -> Message {
        self.jobs.run_due().await.unwrap();
        self.letters.newest(to)
    }

    /// The digits of the newest letter to somebody.
    pub async fn code(&self, to: &str) -> String {
        let letter = self.letter(to).await;
        letter.subject.split(' ').next().unwrap().to_owned()
    }
}
