//! A shop with crash points armed, and its end.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Own, Serving, Shop, tail};
use crate::clock::now;
use crate::postgres::Sibling;
use crate::verify::{Verified, verify};

/// A start on a fresh database ends within this, or goes on for ever.
const START_ENDS_MAX: Duration = Duration::from_secs(5);

/// A database that nobody has used yet; gone when this is dropped.
#[derive(Debug)]
pub struct Fresh {
    url: String,
    _server: Option<Sibling>,
}

impl Fresh {
    /// An SQLite file that is not there yet.
    pub fn file(file: &Path) -> Self {
        Self { url: format!("sqlite:{}", file.display()), _server: None }
    }
}

impl Shop {
    fn own(&mut self) -> anyhow::Result<&mut Own> {
        self.own.as_mut().context("only a shop of our own is ended")
    }

    /// Starts again on the same database with crash points armed, and `settings` besides its own
    /// this once. It may be over before it listens: then that is no error, and [`Shop::ended`]
    /// tells how.
    pub async fn restart_armed(
        &mut self,
        failpoints: &str,
        settings: &[&str],
    ) -> anyhow::Result<()> {
        let binary = self.binary.clone().context("a shop of our own has a binary")?;
        let own = self.own()?;
        let begun = now();
        let mut all = own.settings.clone();
        all.extend(settings.iter().map(|&setting| setting.to_owned()));
        let (process, mut said) = Serving::spawn(&binary, &all, &own.log, Some(failpoints))?;
        own.process = Some(process);
        own.start = begun.elapsed();
        if let Ok(address) = said.listening().await {
            self.address = address;
        }
        said.drain();
        Ok(())
    }

    /// Every start from here on is told this word in place of its own.
    pub fn tell(&mut self, name: &str, word: &str) -> anyhow::Result<()> {
        self.own()?.failpoints = Some(format!("{name}=return({word})"));
        Ok(())
    }

    /// Waits for the process to end by itself, and says how it did.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let own = self.own()?;
        let process = own.process.as_mut().context("there is no shop that runs")?;
        let status = process.child.wait().await?;
        own.process = None;
        Ok(status)
    }

    /// Asks it to stop, as an operator would, and does not wait.
    pub fn ask_to_stop(&mut self) -> anyhow::Result<()> {
        let process = self.own()?.process.as_ref().context("there is no shop that runs")?;
        let Some(pid) = process.child.id() else { return Ok(()) };
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        Ok(())
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        self.own.as_ref().map(|own| tail(&own.log)).unwrap_or_default()
    }

    /// A database of the same engine that nobody has used.
    pub fn fresh_database(&self, name: &str) -> anyhow::Result<Fresh> {
        let own = self.own.as_ref().context("only a shop of our own has a place for another")?;
        if let Some(database) = &own.database {
            let sibling = database.sibling(name)?;
            return Ok(Fresh { url: sibling.url.clone(), _server: Some(sibling) });
        }
        Ok(Fresh::file(&own.home.path().join(format!("{name}.db"))))
    }

    /// Starts a second shop on a fresh database and kills it after so long.
    pub async fn start_fresh_briefly(&self, fresh: &Fresh, time: Duration) -> anyhow::Result<()> {
        let (serving, said) = self.spawn_fresh(fresh, None)?;
        said.drain();
        tokio::time::sleep(time).await;
        serving.kill().await
    }

    /// Starts a second shop on a fresh database with crash points armed and gives how it ended;
    /// none when it did not.
    pub async fn start_fresh_armed(
        &self,
        fresh: &Fresh,
        failpoints: &str,
    ) -> anyhow::Result<Option<ExitStatus>> {
        let (mut serving, said) = self.spawn_fresh(fresh, Some(failpoints))?;
        said.drain();
        let ended = tokio::time::timeout(START_ENDS_MAX, serving.child.wait()).await;
        ended.ok().transpose().context("the second shop")
    }

    /// Starts it there without any, waits until it listens, and has its books verified.
    pub async fn start_fresh(&self, fresh: &Fresh) -> anyhow::Result<Verified> {
        let (serving, mut said) = self.spawn_fresh(fresh, None)?;
        said.listening().await.with_context(|| self.last_words())?;
        said.drain();
        let Some(binary) = &self.binary else { bail!("a shop of our own has a binary") };
        let verified = verify(binary, &fresh.url).await?;
        ensure!(verified.checked > 0, "`holdfast verify` checked nothing");
        serving.kill().await?;
        Ok(verified)
    }

    fn spawn_fresh(
        &self,
        fresh: &Fresh,
        failpoints: Option<&str>,
    ) -> anyhow::Result<(Serving, super::Said)> {
        let (Some(own), Some(binary)) = (&self.own, &self.binary) else {
            bail!("only a shop of our own is started a second time");
        };
        let mut settings = own.settings.clone();
        settings.push(format!("database.url={}", fresh.url));
        settings.push("server.listen=127.0.0.1:0".to_owned());
        Serving::spawn(binary, &settings, &own.log, failpoints)
    }
}
