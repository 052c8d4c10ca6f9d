//! Holdfast: a self-hosted commerce server.
fn main() {}
