//! Writes `docs/errors.md`: `cargo run -p web --example errors > docs/errors.md`.

fn main() {
    print!("{}", web::problem::catalogue_markdown());
}
