//! Holdfast: a self-hosted commerce server.

use std::process::ExitCode;

use clap::Parser;

/// Requests are made of many small pieces that live shortly, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = kernel::points::arm();
    match server::run(server::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // One line, with its causes: whoever starts a server wants a sentence, not a trace.
            eprintln!("holdfast: {error:#}");
            ExitCode::from(2)
        }
    }
}
