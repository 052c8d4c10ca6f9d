//! Codes: who gets which, what they open, and what nobody gets out of them.

use std::sync::Arc;

use kernel::{CodeId, Env, ManualClock, SignedDuration};
use store::testing::TestDb;
use store::{Db, outbox};

use super::{PASSWORD, ada, form, refusal, world};
use crate::{
    AccountRefusal, CODE_LASTS, CODE_SENDS_MAX, CODE_TRIES_MAX, ChangeRefusal, Code, CodeRefusal,
    CodeTerms, CodeWish, Codes, Identity, Letter, LoginKind, ProofRefusal, Purpose, Role, Says,
    SignInRefusal, account_by_login, forget_codes,
};

struct Town {
    db: Db,
    env: Env,
    clock: Arc<ManualClock>,
    codes: Codes,
}

const MAIL: &str = "ada@example.org";
const PHONE: &str = "+41791234567";

impl Town {
    async fn new(t: &TestDb) -> Self {
        Self::with(t, CodeTerms::default()).await
    }

    async fn with(t: &TestDb, terms: CodeTerms) -> Self {
        let (env, clock, identity) = world();
        let codes = Codes::open(&t.db, &env, identity, terms).await.unwrap();
        Self { db: t.db.clone(), env, clock, codes }
    }

    fn identity(&self) -> &Identity {
        &self.codes.identity
    }

    async fn ask(&self, purpose: Purpose, login: &str) -> Result<Code, CodeRefusal> {
        self.ask_from(purpose, login, None).await
    }

    async fn ask_from(
        &self,
        purpose: Purpose,
        login: &str,
        from: Option<&str>,
    ) -> Result<Code, CodeRefusal> {
        let from = from.map(|from| from.parse().unwrap());
        let wish = CodeWish { purpose, login: login.into(), account: None, from };
        match self.codes.request(&self.db, &self.env, wish).await {
            Ok(code) => Ok(code),
            refused => Err(refusal(refused)),
        }
    }

    /// Everything that lies in the outbox, opened, oldest first.
    async fn letters(&self) -> Vec<Letter> {
        let now = self.env.now();
        let due = self.db.read(move |read| outbox::letters_due(read, now, 100)).await.unwrap();
        due.iter().map(|event| self.codes.letter(event).unwrap()).collect()
    }

    /// The digits of the newest letter.
    async fn digits(&self) -> String {
        match self.letters().await.pop().unwrap().says {
            Says::Code { digits, .. } => digits,
            other => panic!("{other:?}"),
        }
    }

    async fn asked(&self, purpose: Purpose, login: &str) -> (CodeId, String) {
        let code = self.ask(purpose, login).await.unwrap();
        self.clock.advance(SignedDuration::from_millis(1));
        (code.id, self.digits().await)
    }

    async fn register(&self, login: &str, password: Option<&str>) -> crate::SignIn {
        let (id, digits) = self.asked(Purpose::Register, login).await;
        let password = password.map(str::to_owned);
        let made = self.codes.register(&self.db, &self.env, id, &digits, "Ada", password).await;
        made.unwrap()
    }

    async fn sign_in(&self, id: CodeId, digits: &str) -> Result<crate::SignIn, ProofRefusal> {
        match self.codes.sign_in(&self.db, &self.env, id, digits).await {
            Ok(signed) => Ok(signed),
            refused => Err(refusal(refused)),
        }
    }

    async fn has_password(&self, login: &str, password: &str) -> bool {
        let tried = self.identity().sign_in(&self.db, &self.env, login, password.into()).await;
        match tried {
            Ok(_) => true,
            refused => {
                assert_eq!(refusal(refused), SignInRefusal::LoginFailed);
                false
            }
        }
    }
}

/// Digits that are not these.
fn not(digits: &str) -> &'static str {
    if digits == "000000" { "000001" } else { "000000" }
}

fn over<T: std::fmt::Debug>(result: Result<T, ProofRefusal>) {
    assert_eq!(result.unwrap_err(), ProofRefusal::Code(CodeRefusal::CodeOver));
}

store::on_both_engines! {
    &[&store::SCHEMA, &crate::SCHEMA];

    async fn an_account_by_code_and_in_again_by_code(t: TestDb) {
        let town = Town::new(&t).await;
        for login in [MAIL, PHONE] {
            let made = town.register(login, None).await.account;
            assert_eq!((made.login(), made.role), (login, Role::Customer));
            let proven = made.email_verified_at.or(made.phone_verified_at);
            assert!(proven.is_some());
            let (id, digits) = town.asked(Purpose::SignIn, login).await;
            let spaced = format!(" {} {} ", &digits[..3], &digits[3..]);
            let again = town.sign_in(id, &spaced).await.unwrap();
            assert_eq!(again.account, made);
            let who = town.identity().sessions.who(&town.db, &again.token).await.unwrap();
            assert_eq!(who.unwrap().account_id, made.id);
            assert!(!town.has_password(login, PASSWORD).await, "there is none");
        }
        let letters = town.letters().await;
        assert_eq!((letters[0].kind, &*letters[0].to), (LoginKind::Email, MAIL));
        assert_eq!((letters[2].kind, &*letters[2].to), (LoginKind::Phone, PHONE));
    }

    async fn five_guesses_and_it_is_dead(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        for left in (0..CODE_TRIES_MAX).rev() {
            // What cannot be a code is no guess.
            let wrong = town.sign_in(id, "12345").await.map(|_| ()).unwrap_err();
            assert_eq!(wrong, ProofRefusal::Code(CodeRefusal::CodeInvalid));
            let wrong = town.sign_in(id, not(&digits)).await.map(|_| ()).unwrap_err();
            assert_eq!(wrong, ProofRefusal::Code(CodeRefusal::CodeWrong { left }));
        }
        over(town.sign_in(id, &digits).await.map(|_| ()));
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        for _ in 1..CODE_TRIES_MAX {
            town.sign_in(id, not(&digits)).await.map(|_| ()).unwrap_err();
        }
        town.sign_in(id, &digits).await.map(|_| ()).unwrap();
    }

    async fn once_is_once(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (codes, db, env) = (town.codes.clone(), town.db.clone(), town.env.clone());
                let digits = digits.clone();
                tokio::spawn(async move { codes.sign_in(&db, &env, id, &digits).await.is_ok() })
            })
            .collect();
        let mut inside = 0;
        for tried in tries {
            inside += u32::from(tried.await.unwrap());
        }
        assert_eq!(inside, 1, "of those that come together one is let in");
        over(town.sign_in(id, &digits).await.map(|_| ()));
    }

    async fn guesses_that_come_together_are_counted_each(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        let tries: Vec<_> = (0..24)
            .map(|_| {
                let (codes, db, env) = (town.codes.clone(), town.db.clone(), town.env.clone());
                let wrong = not(&digits);
                tokio::spawn(async move { codes.sign_in(&db, &env, id, wrong).await.map(|_| ()) })
            })
            .collect();
        let mut looked_at = 0;
        for tried in tries {
            let refused = tried.await.unwrap();
            let wrong = matches!(
                refused,
                Err(kernel::Error::Refused(ProofRefusal::Code(CodeRefusal::CodeWrong { .. })))
            );
            looked_at += i64::from(wrong);
        }
        assert!(looked_at <= CODE_TRIES_MAX, "{looked_at} guesses were looked at");
        over(town.sign_in(id, &digits).await.map(|_| ()));
    }

    async fn it_is_sent_again_and_nothing_begins_anew(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        let ends = town.codes.look(&town.db, &town.env, id).await.unwrap().unwrap().expires_at;
        let send = || town.codes.resend(&town.db, &town.env, id, None);
        town.sign_in(id, not(&digits)).await.map(|_| ()).unwrap_err();
        let mut wait = 30;
        for _ in 1..CODE_SENDS_MAX {
            let early = refusal(send().await);
            assert!(matches!(early, CodeRefusal::TooManyCodes { retry_after } if retry_after <= wait));
            town.clock.advance(SignedDuration::from_secs(wait));
            let sent = send().await.unwrap();
            assert_eq!((sent.id, sent.expires_at), (id, ends), "its time goes on running");
            assert_eq!(town.digits().await, digits, "the code that was sent first is as good");
            wait *= 2;
        }
        assert_eq!(refusal(send().await), CodeRefusal::CodeOver, "sent often enough");
        let wrong = town.sign_in(id, not(&digits)).await.map(|_| ()).unwrap_err();
        let left = CODE_TRIES_MAX - 2;
        assert_eq!(wrong, ProofRefusal::Code(CodeRefusal::CodeWrong { left }));
        town.sign_in(id, &digits).await.map(|_| ()).unwrap();
        assert_eq!(refusal(send().await), CodeRefusal::CodeOver, "used");
    }

    async fn ten_minutes(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let (late, digits) = town.asked(Purpose::SignIn, MAIL).await;
        town.clock.advance(CODE_LASTS - SignedDuration::from_millis(1));
        over(town.sign_in(late, &digits).await.map(|_| ()));
        let (id, digits) = town.asked(Purpose::SignIn, MAIL).await;
        town.clock.advance(CODE_LASTS - SignedDuration::from_millis(2));
        town.sign_in(id, &digits).await.map(|_| ()).unwrap();
        let gone = town.codes.resend(&town.db, &town.env, late, None).await;
        assert_eq!(refusal(gone), CodeRefusal::CodeOver);
        let env = town.env.clone();
        let forget = |env: Env| town.db.write(move |tx| forget_codes(tx, env.now()));
        assert_eq!(forget(env.clone()).await.unwrap(), 0);
        town.clock.advance(SignedDuration::from_hours(25));
        assert_eq!(forget(env).await.unwrap(), 3);
    }

    async fn a_code_opens_what_it_was_sent_for(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        town.register(PHONE, None).await;
        let (sign_in, digits) = town.asked(Purpose::SignIn, MAIL).await;
        let (db, env, codes) = (&town.db, &town.env, &town.codes);
        let reset = codes.reset(db, env, sign_in, &digits, PASSWORD.into()).await;
        assert_eq!(refusal(reset), ProofRefusal::Code(CodeRefusal::CodeOver));
        let register = codes.register(db, env, sign_in, &digits, "Eve", None).await;
        assert_eq!(refusal(register), ProofRefusal::Code(CodeRefusal::CodeOver));
        let (reset, others) = town.asked(Purpose::Reset, MAIL).await;
        over(town.sign_in(reset, &others).await.map(|_| ()));
        let (other, others) = town.asked(Purpose::SignIn, PHONE).await;
        if others != digits {
            town.sign_in(other, &digits).await.map(|_| ()).unwrap_err();
        }
        over(town.sign_in(env.id(), &digits).await.map(|_| ()));
        town.sign_in(sign_in, &digits).await.map(|_| ()).unwrap();
    }

    async fn who_is_known_looks_like_who_is_not(t: TestDb) {
        let town = Town::new(&t).await;
        town.register(MAIL, None).await;
        let ask = async |purpose, login| {
            town.clock.advance(SignedDuration::from_millis(1));
            let Code { purpose, kind, alive, sent_to, .. } =
                town.ask(purpose, login).await.unwrap();
            (purpose, kind, alive, sent_to)
        };
        for purpose in [Purpose::SignIn, Purpose::Reset, Purpose::Register] {
            let (known, not) = (ask(purpose, MAIL).await, ask(purpose, "axa@example.org").await);
            assert_eq!(known, not);
        }
        let says: Vec<Says> = town.letters().await.into_iter().map(|it| it.says).collect();
        assert!(matches!(says[1], Says::Code { purpose: Purpose::SignIn, .. }));
        assert_eq!(says[2], Says::Nothing);
        assert_eq!(says[4], Says::Nothing);
        assert_eq!(says[5], Says::HasAccount);
        assert!(matches!(says[6], Says::Code { purpose: Purpose::Register, .. }));
        // The right digits of what was sent to nobody, found by chance, open nothing.
        let wish = CodeWish {
            purpose: Purpose::SignIn, login: "axa@example.org".into(), account: None, from: None,
        };
        let code = town.codes.request(&town.db, &town.env, wish).await.unwrap();
        let wrong = town.sign_in(code.id, "123456").await.map(|_| ()).unwrap_err();
        let left = CODE_TRIES_MAX - 1;
        assert_eq!(wrong, ProofRefusal::Code(CodeRefusal::CodeWrong { left }));
        let name = town.ask(Purpose::SignIn, "ada").await.unwrap_err();
        assert_eq!(name, CodeRefusal::LoginUnreachable);
        assert_eq!(town.ask(Purpose::SignIn, "a da").await.unwrap_err(), CodeRefusal::LoginInvalid);
    }

    async fn budgets_are_kept(t: TestDb) {
        let town = Town::with(&t, CodeTerms {
            per_login_hour: 2, per_login_day: 3, per_network_hour: 4, sms_per_day: 3,
            ..CodeTerms::default()
        }).await;
        let wait = |refused: Result<Code, CodeRefusal>| match refused {
            Err(CodeRefusal::TooManyCodes { retry_after }) => retry_after,
            other => panic!("{other:?}"),
        };
        let ask = async |login, from| town.ask_from(Purpose::SignIn, login, Some(from)).await;
        ask(MAIL, "192.0.2.1").await.unwrap();
        town.clock.advance(SignedDuration::from_mins(10));
        ask(" ADA@example.org", "198.51.100.1").await.unwrap();
        assert_eq!(wait(ask(MAIL, "203.0.113.1").await), 50 * 60, "two in an hour");
        town.clock.advance(SignedDuration::from_mins(50));
        ask(MAIL, "203.0.113.1").await.unwrap();
        assert_eq!(wait(ask(MAIL, "203.0.113.1").await), 23 * 3600, "three in a day");

        let network = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::", "2001:db8:0:1::"];
        for (login, from) in ["a@b.example", "b@b.example", "c@b.example", "d@b.example"].into_iter().zip(network) {
            ask(login, from).await.unwrap();
        }
        assert_eq!(wait(ask("e@b.example", "2001:db8:0:1::9").await), 3600, "a network");
        ask("e@b.example", "2001:db8:0:2::9").await.unwrap();

        for phone in ["+41791234561", "+41791234562", "+41791234563"] {
            town.ask(Purpose::Register, phone).await.unwrap();
        }
        let refused = town.ask(Purpose::Register, "+41791234564").await;
        assert_eq!(wait(refused), 24 * 3600, "the whole shop");
        town.ask(Purpose::Register, "f@b.example").await.unwrap();
    }

    async fn somebody_who_has_an_account_is_told_so(t: TestDb) {
        let town = Town::new(&t).await;
        let made = town.register(MAIL, Some(PASSWORD)).await;
        assert!(town.has_password(MAIL, PASSWORD).await);
        town.ask(Purpose::Register, MAIL).await.unwrap();
        town.clock.advance(SignedDuration::from_millis(1));
        let letter = town.letters().await.pop().unwrap();
        assert_eq!((letter.says, &*letter.to), (Says::HasAccount, MAIL));
        let same = t.db.read(|read| account_by_login(read, MAIL)).await.unwrap().unwrap();
        assert_eq!(same, made.account);
    }

    async fn who_proves_a_login_takes_it_from_who_did_not(t: TestDb) {
        let town = Town::new(&t).await;
        let squatter = ada(&town.db, &town.env, town.identity()).await;
        let owner = town.register(MAIL, None).await;
        assert_ne!(owner.account.id, squatter.account.id);
        assert!(!town.has_password(MAIL, PASSWORD).await, "the squatter's password leads nowhere");

        // By signing in they get the account, but whoever made it is out.
        let squatter = town.identity().register(&town.db, &town.env, form(PHONE)).await.unwrap();
        let (id, digits) = town.asked(Purpose::SignIn, PHONE).await;
        let owner = town.sign_in(id, &digits).await.unwrap();
        assert_eq!(owner.account.id, squatter.account.id);
        assert!(owner.account.phone_verified_at.is_some());
        assert!(!town.has_password(PHONE, PASSWORD).await);
        let sessions = &town.identity().sessions;
        assert_eq!(sessions.who(&town.db, &squatter.token).await.unwrap(), None);
        assert!(sessions.who(&town.db, &owner.token).await.unwrap().is_some());
        town.clock.advance(SignedDuration::from_millis(1));
        assert!(town.letters().await.iter().any(|it| it.says == Says::PasswordDropped));

        // With another login there the account may be anybody's: nothing is sent.
        let eve = town.identity().register(&town.db, &town.env, form("b@example.org")).await.unwrap();
        town.codes.change_username(&town.db, &town.env, eve.account.id, "eve").await.unwrap();
        for purpose in [Purpose::SignIn, Purpose::Reset] {
            town.clock.advance(SignedDuration::from_millis(1));
            town.ask(purpose, "b@example.org").await.unwrap();
        }
        let letters = town.letters().await;
        assert!(letters[letters.len() - 2..].iter().all(|it| it.says == Says::Nothing));
    }

    async fn a_new_password_ends_everything_before_it(t: TestDb) {
        let town = Town::new(&t).await;
        let (db, env, codes) = (&town.db, &town.env, &town.codes);
        let made = town.register(MAIL, Some(PASSWORD)).await;
        let (id, digits) = town.asked(Purpose::Reset, MAIL).await;
        let short = codes.reset(db, env, id, &digits, "short".into()).await;
        assert_eq!(refusal(short), ProofRefusal::Account(AccountRefusal::PasswordTooShort));
        let fresh = "a very different password";
        codes.reset(db, env, id, &digits, fresh.into()).await.unwrap();
        assert!(town.has_password(MAIL, fresh).await);
        assert!(!town.has_password(MAIL, PASSWORD).await);
        assert_eq!(town.identity().sessions.who(db, &made.token).await.unwrap(), None);
        town.clock.advance(SignedDuration::from_millis(1));
        assert_eq!(town.letters().await.pop().unwrap().says, Says::PasswordChanged);
        let again = codes.reset(db, env, id, &digits, PASSWORD.into()).await;
        assert_eq!(refusal(again), ProofRefusal::Code(CodeRefusal::CodeOver));

        let signed = town.identity().sign_in(db, env, MAIL, fresh.into()).await.unwrap();
        let other = town.identity().sign_in(db, env, MAIL, fresh.into()).await.unwrap();
        let who = town.identity().sessions.who(db, &signed.token).await.unwrap().unwrap();
        let change = |current: &str, new: &str| {
            codes.change_password(db, env, (who.account_id, who.session_id), current.into(), new.into())
        };
        assert_eq!(refusal(change(PASSWORD, PASSWORD).await), ChangeRefusal::PasswordWrong);
        change(fresh, PASSWORD).await.unwrap();
        assert!(town.has_password(MAIL, PASSWORD).await);
        let sessions = &town.identity().sessions;
        assert!(sessions.who(db, &signed.token).await.unwrap().is_some(), "this one goes on");
        assert_eq!(sessions.who(db, &other.token).await.unwrap(), None);
    }

    async fn another_address_and_a_number_and_a_name(t: TestDb) {
        let town = Town::new(&t).await;
        let (db, env, codes) = (&town.db, &town.env, &town.codes);
        let (me, eve) = (town.register(MAIL, None).await, town.register("eve@example.org", None).await);
        let wish = async |who: &crate::SignIn, login: &str| {
            let wish = CodeWish {
                purpose: Purpose::ChangeLogin, login: login.into(),
                account: Some(who.account.id), from: None,
            };
            let code = codes.request(db, env, wish).await.unwrap();
            town.clock.advance(SignedDuration::from_millis(1));
            (code.id, town.letters().await.pop().unwrap())
        };
        let digits = |letter: Letter| match letter.says {
            Says::Code { digits, .. } => digits,
            other => panic!("{other:?}"),
        };
        let (id, letter) = wish(&me, "ada@new.example").await;
        assert_eq!(letter.to, "ada@new.example", "the code goes to the new one");
        let digits_of_it = digits(letter);
        let by = |who: &crate::SignIn, kind| {
            codes.change_login(db, env, who.account.id, kind, (id, &digits_of_it))
        };
        let theirs = refusal(by(&eve, LoginKind::Email).await);
        assert_eq!(theirs, ProofRefusal::Code(CodeRefusal::CodeOver), "somebody else's code");
        let kind = refusal(by(&me, LoginKind::Phone).await);
        assert_eq!(kind, ProofRefusal::Code(CodeRefusal::CodeOver), "another kind");
        let changed = by(&me, LoginKind::Email).await.unwrap();
        assert_eq!(changed.email.as_deref(), Some("ada@new.example"));
        town.clock.advance(SignedDuration::from_millis(1));
        let told = town.letters().await.pop().unwrap();
        assert_eq!(told.to, MAIL, "the old one is told");
        assert!(matches!(told.says, Says::LoginChanged { to, .. } if to == "a•••@new.example"));
        assert!(t.db.read(|read| account_by_login(read, MAIL)).await.unwrap().is_none());

        let (id, letter) = wish(&me, PHONE).await;
        let digits = digits(letter);
        let proof = (id, &*digits);
        let both = codes.change_login(db, env, me.account.id, LoginKind::Phone, proof).await.unwrap();
        assert_eq!(both.phone.as_deref(), Some(PHONE));
        assert_eq!(both.email, changed.email);

        let (id, letter) = wish(&eve, PHONE).await;
        assert_eq!(letter.says, Says::HasAccount, "what is proven stays where it is");
        let tried = codes.change_login(db, env, eve.account.id, LoginKind::Phone, (id, "000000"));
        tried.await.map(|_| ()).unwrap_err();

        codes.change_username(db, env, me.account.id, "ada").await.unwrap();
        let taken = codes.change_username(db, env, eve.account.id, "ADA").await;
        assert_eq!(refusal(taken), AccountRefusal::LoginTaken);
        codes.change_username(db, env, me.account.id, "byron").await.unwrap();
        codes.change_username(db, env, eve.account.id, "ADA").await.unwrap();
        let bad = codes.change_username(db, env, eve.account.id, "eve@example.com").await;
        assert_eq!(refusal(bad), AccountRefusal::LoginInvalid);
    }

    async fn a_break_leaves_a_code_as_it_was(t: TestDb) {
        let town = Town::new(&t).await;
        let (id, digits) = town.asked(Purpose::Register, MAIL).await;
        for statement in 1..=7 {
            t.injector.fail_statement(statement);
            let made = town.codes.register(&town.db, &town.env, id, &digits, "Ada", None).await;
            assert!(matches!(made, Err(kernel::Error::Fault(_))), "statement {statement}");
            t.injector.calm();
            assert!(t.db.read(|read| account_by_login(read, MAIL)).await.unwrap().is_none());
        }
        town.codes.register(&town.db, &town.env, id, &digits, "Ada", None).await.unwrap();
    }

    async fn what_lies_about_names_nobody_and_no_code(t: TestDb) {
        let town = Town::new(&t).await;
        let (id, digits) = town.asked(Purpose::Register, MAIL).await;
        let now = town.env.now();
        let lies = t.db.read(move |read| outbox::letters_due(read, now, 9)).await.unwrap();
        for event in &lies {
            assert!(!event.payload.contains(&digits) && !event.payload.contains("example"));
            let elsewhere = outbox::Waiting { aggregate: town.env.id(), ..event.clone() };
            assert!(town.codes.letter(&elsewhere).is_none(), "a letter about something else");
        }
        town.codes.register(&town.db, &town.env, id, &digits, "Ada", None).await.unwrap();
    }
}
