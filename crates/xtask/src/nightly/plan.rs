//! What a night does, in the order of what is told first when it breaks.

/// One kind of exploration, cut into pieces that each take a few minutes at most, so that a night
/// that is cut short goes on where it was.
pub struct Step {
    /// Short, for the journal and `--only`.
    pub name: &'static str,
    /// What one piece is.
    pub what: &'static str,
    /// Pieces of a whole night.
    pub pieces: u32,
    /// The command of a piece; `{seed}` becomes the piece's own seed.
    pub command: &'static str,
    /// An entry for its environment.
    pub environment: Option<(&'static str, &'static str)>,
}

/// Built before the first piece, with everything the pieces run.
pub const BUILDS: &[&str] = &[
    "cargo build --locked --release -p server -p load -p sim",
    "cargo build --locked --profile crash -p server --features failpoints",
];

/// Makes the tests of the schedules leave nothing out.
const EVERYTHING: Option<(&str, &str)> = Some(("HOLDFAST_TEST_EVERYTHING", "1"));

/// A whole night: about eight hours on two cores.
pub const STEPS: &[Step] = &[
    Step {
        name: "planted",
        what: "every bug that was planted is found by the simulator",
        pieces: 1,
        command: "cargo test --locked --release -p sim --features planted --test planted -- \
                  --nocapture",
        environment: None,
    },
    Step {
        name: "lives",
        what: "25,000 simulated lives",
        pieces: 60,
        command: "target/release/sim --lives 25000 --seed {seed}",
        environment: None,
    },
    Step {
        name: "schedules",
        what: "every call broken, every order of two, traces against the model, on both engines",
        pieces: 1,
        command: "cargo xtask postgres -- cargo test --locked --release -p sim --test it -- \
                  --nocapture",
        environment: EVERYTHING,
    },
    Step {
        name: "crash-sqlite",
        what: "300 ends at crash points, SQLite",
        pieces: 10,
        command: "target/release/load crash --kills 300 --connections 8 --engine sqlite --seed \
                  {seed}",
        environment: None,
    },
    Step {
        name: "crash-postgres",
        what: "300 ends at crash points, PostgreSQL",
        pieces: 10,
        command: "target/release/load crash --kills 300 --connections 8 --engine postgres \
                  --seed {seed}",
        environment: None,
    },
    Step {
        name: "power",
        what: "100 power cuts, SQLite",
        pieces: 20,
        command: "target/release/load power --cuts 100 --connections 8 --seed {seed}",
        environment: None,
    },
    Step {
        name: "kill-sqlite",
        what: "50 times kill -9, SQLite",
        pieces: 10,
        command: "target/release/load kill --rounds 50 --engine sqlite --seed {seed}",
        environment: None,
    },
    Step {
        name: "kill-postgres",
        what: "50 times kill -9, PostgreSQL",
        pieces: 10,
        command: "target/release/load kill --rounds 50 --engine postgres --seed {seed}",
        environment: None,
    },
    Step {
        name: "attack-sqlite",
        what: "the attack kit, 50 rounds of each race, SQLite",
        pieces: 1,
        command: "target/release/load attack --engine sqlite --seed {seed}",
        environment: None,
    },
    Step {
        name: "attack-postgres",
        what: "the attack kit, 50 rounds of each race, a slow PostgreSQL",
        pieces: 1,
        command: "target/release/load attack --engine postgres --db-delay 100ms --seed {seed}",
        environment: None,
    },
    Step {
        name: "overload-sqlite",
        what: "ten times more visitors than a shop can serve, SQLite (needs root)",
        pieces: 2,
        command: "target/release/load overload --engine sqlite --seed {seed}",
        environment: None,
    },
    Step {
        name: "overload-postgres",
        what: "ten times more visitors than a shop can serve, PostgreSQL (needs root)",
        pieces: 2,
        command: "target/release/load overload --engine postgres --seed {seed}",
        environment: None,
    },
];
