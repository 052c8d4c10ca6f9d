//! Every state meets every observation, whatever the order thinks of its money.

use kernel::{AttemptId, Currency, OrderId, Uuid};

use super::*;
use AttemptState::{
    Authorized, AwaitingPayer, Canceled, Captured, Capturing, Closing, Processing, Submitting,
    Voiding,
};

const TERM_ENDS: i64 = 1800;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn attempt(state: AttemptState) -> Attempt {
    Attempt {
        id: AttemptId(Uuid::nil()),
        order_id: OrderId(Uuid::nil()),
        gateway: "sandbox".into(),
        state,
        amount: Money::new(100, Currency::EUR),
        pays: Money::new(100, Currency::EUR),
        rate: None,
        tax: 0,
        two_stage: true,
        details: "{}".into(),
        deadline: at(TERM_ENDS),
        payable_until: at(TERM_ENDS),
        reference: Some("p1".into()),
        secondary: None,
        redirect_url: None,
        method: None,
        review: None,
        reason: None,
        orphan: false,
        unwanted: false,
        captured: if state == Captured { 100 } else { 0 },
        reserved: 0,
        refunded: 0,
        worth_back: 0,
        fee: None,
        observations: 0,
        last_saw: None,
        created_at: at(0),
        updated_at: at(0),
        since: at(0),
        poll_at: None,
        polls: 0,
    }
}

fn news(saw: Saw) -> News {
    News::of(saw, Money::new(100, Currency::EUR), "p1".into(), "poll")
}

fn all_saws() -> [Saw; 6] {
    [
        Saw::Absent,
        Saw::Waiting,
        Saw::Processing,
        Saw::Authorized(None),
        Saw::Captured,
        Saw::Canceled("declined".into()),
    ]
}

/// What is expected, a letter for each: in the order of [`all_saws`], for each [`Stance`].
///
/// `.` nothing, `w` waiting, `x` close, `p` processing, `c` capture, `v` void, `s` settle,
/// `b` send back, `o` over. The letters after the bar are for when the payer's term is long over.
const TABLE: [(AttemptState, [&str; 4]); 9] = [
    (Submitting, [".wpcso|.wpcso", ".xpcso|oxpcso", ".xpvbo|oxpvbo", ".xpvbo|oxpvbo"]),
    (AwaitingPayer, ["..pcso|o.pcso", ".xpcso|oxpcso", ".xpvbo|oxpvbo", ".xpvbo|oxpvbo"]),
    (Processing, ["..pcso|..pcso", "..pcso|..pcso", "..pvbo|..pvbo", "..pvbo|..pvbo"]),
    (Authorized, ["...cso|...cso", "...cso|...cso", "...vbo|...vbo", "...vbo|...vbo"]),
    (Capturing, ["....so|....so", "....so|....so", "....bo|....bo", "....bo|....bo"]),
    (Captured, ["......|......", "......|......", "......|......", "......|......"]),
    (Closing, ["...cso|oo.cso", "...cso|oo.cso", "...vbo|oo.vbo", "...vbo|oo.vbo"]),
    (Voiding, ["....so|....so", "....so|....so", "....bo|....bo", "....bo|....bo"]),
    (Canceled, ["...cs.|...cs.", "...cs.|...cs.", "...vb.|...vb.", "...vb.|...vb."]),
];

fn letter(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Nothing => '.',
        Verdict::Waiting => 'w',
        Verdict::Close => 'x',
        Verdict::Processing => 'p',
        Verdict::Capture => 'c',
        Verdict::Void => 'v',
        Verdict::Settle => 's',
        Verdict::SendBack => 'b',
        Verdict::Over(_) => 'o',
        Verdict::External(_) => 'e',
        Verdict::Review(_) => 'r',
    }
}

#[test]
fn every_state_meets_every_observation() {
    let states: Vec<_> = TABLE.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, AttemptState::ALL, "no state is left out");
    for (state, rows) in TABLE {
        for (stance, row) in Stance::ALL.into_iter().zip(rows) {
            let said = |now: i64| -> String {
                let look = |saw| letter(&judge(&attempt(state), stance, &news(saw), 0, at(now)));
                all_saws().into_iter().map(look).collect()
            };
            let both = format!("{}|{}", said(60), said(TERM_ENDS + 3600));
            assert_eq!(both, row, "{state:?}, {stance:?}");
        }
    }
}

#[test]
fn p02_a_page_that_was_left_is_called_off_once_it_is_there() {
    let left = Attempt { unwanted: true, ..attempt(Submitting) };
    let look = |saw| judge(&left, Stance::Open, &news(saw), 0, at(60));
    assert_eq!(look(Saw::Waiting), Verdict::Close);
    assert_eq!(look(Saw::Captured), Verdict::Settle, "money is money");
}

#[test]
fn the_term_ends_a_little_after_it_ends() {
    let closing = attempt(Closing);
    let look = |now| judge(&closing, Stance::Closed, &news(Saw::Waiting), 0, at(now));
    assert_eq!(look(TERM_ENDS + 299), Verdict::Nothing);
    assert_eq!(look(TERM_ENDS + 300), Verdict::Over("expired".into()));
}

#[test]
fn p01_what_does_not_fit_goes_to_a_person() {
    for state in AttemptState::ALL {
        let open = attempt(state);
        for saw in all_saws().into_iter().filter(|saw| *saw != Saw::Absent) {
            let less = News { amount: Money::new(99, Currency::EUR), ..news(saw.clone()) };
            let other = News { amount: Money::new(100, Currency::USD), ..news(saw.clone()) };
            let foreign = News { reference: "p2".into(), ..news(saw.clone()) };
            let strange = News { strange: Some("play money".into()), ..news(saw) };
            for wrong in [less, other, foreign, strange] {
                for stance in Stance::ALL {
                    let verdict = judge(&open, stance, &wrong, 0, at(60));
                    let frozen = Attempt { review: Some("looked at".into()), ..open.clone() };
                    let after = judge(&frozen, stance, &wrong, 0, at(60));
                    assert_eq!(after, Verdict::Nothing, "nothing moves until a person has looked");
                    if state == Captured {
                        assert_eq!(verdict, Verdict::Nothing, "what is ours stays: {wrong:?}");
                    } else {
                        assert!(matches!(verdict, Verdict::Review(_)), "{state:?} {wrong:?}");
                    }
                }
            }
        }
    }
    let silent = News { reference: String::new(), ..news(Saw::Absent) };
    let verdict = judge(&attempt(AwaitingPayer), Stance::Open, &silent, 0, at(60));
    assert_eq!(verdict, Verdict::Nothing, "who does not know it has no name for it");
}

#[test]
fn p10_what_went_back_elsewhere_is_seen() {
    let paid = attempt(Captured);
    let seen = |refunded| News { refunded, ..news(Saw::Captured) };
    let look = |refunded, ours| judge(&paid, Stance::Closed, &seen(refunded), ours, at(60));
    assert_eq!(look(0, 0), Verdict::Nothing);
    assert_eq!(look(30, 30), Verdict::Nothing, "ours");
    assert_eq!(look(30, 40), Verdict::Nothing, "ours, not all of it there yet");
    assert_eq!(look(30, 10), Verdict::External(20));
}

#[test]
fn p19_what_was_taken_never_becomes_untaken() {
    for saw in all_saws() {
        for stance in Stance::ALL {
            let verdict = judge(&attempt(Captured), stance, &news(saw.clone()), 0, at(99_999));
            assert_eq!(verdict, Verdict::Nothing, "{saw:?}");
        }
    }
}
