//! A carrier that keeps what it was given.

use std::sync::Mutex;

use jobs::post::{Carrier, Message, NotCarried};

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
