//! What every request has in common, and what is said when it is not right.

use serde_json::{Value, json};

use super::sign;
use crate::accounts::AlipayAccount;
use crate::answer::{Answer, Body};
use crate::call::Call;
use crate::clock::from_beijing;

/// Query and form together: some libraries send everything in the one, some use both.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub fn of(call: &Call) -> Self {
        let mut all = call.query.clone();
        all.extend(call.form());
        Self(all)
    }

    /// The value of a parameter; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn has_twins(&self) -> bool {
        let twice = |name: &str| self.0.iter().filter(|(key, _)| key == name).count() > 1;
        self.0.iter().any(|(name, _)| twice(name))
    }

    /// The name of the object in the answer.
    pub fn node(&self) -> String {
        format!("{}_response", self.get("method").replace('.', "_"))
    }
}

/// Something wrong with a request as such.
pub(super) struct Problem {
    code: &'static str,
    msg: &'static str,
    pub sub_code: &'static str,
    sub_msg: &'static str,
    /// Whether the application is known, so that an answer can be signed for it.
    signed: bool,
}

const fn invalid(sub_code: &'static str, sub_msg: &'static str) -> Problem {
    Problem { code: "40002", msg: "Invalid Arguments", sub_code, sub_msg, signed: true }
}

const fn missing(sub_code: &'static str, sub_msg: &'static str) -> Problem {
    Problem { code: "40001", msg: "Missing Required Arguments", sub_code, sub_msg, signed: true }
}

impl Problem {
    pub fn illegal_json() -> Self {
        invalid("isv.illegal-json", "biz_content is no JSON")
    }

    pub fn unknown_method() -> Self {
        invalid("isv.invalid-method", "there is no such method")
    }

    pub fn limited() -> Self {
        let (code, msg) = ("40005", "Call Limited");
        let sub_msg = "the application calls too often";
        Self { code, msg, sub_code: "isv.app-call-limited", sub_msg, signed: true }
    }

    pub fn out_of_order() -> Self {
        let (code, msg) = ("20000", "Service Currently Unavailable");
        let sub_msg = "the system is busy";
        Self { code, msg, sub_code: "isp.unknow-error", sub_msg, signed: true }
    }

    pub fn answer(&self, params: &Params) -> Answer {
        let value = json!({
            "code": self.code, "msg": self.msg, "sub_code": self.sub_code, "sub_msg": self.sub_msg,
        });
        let node = if self.signed { params.node() } else { "error_response".to_owned() };
        let body = Body::Signed { node, value, certificate: None };
        Answer { status: 200, headers: Vec::new(), body }
    }
}

/// An answer to a good request. Who names certificates hears the name of the one that signs.
pub(super) fn signed(params: &Params, account: &AlipayAccount, value: Value) -> Answer {
    let certified = !params.get("app_cert_sn").is_empty();
    let certificate = certified.then(|| account.certificates.alipay_sn.clone());
    let body = Body::Signed { node: params.node(), value, certificate };
    Answer { status: 200, headers: Vec::new(), body }
}

/// Whether a request is whole and comes from the application.
pub(super) fn check(params: &Params, account: &AlipayAccount) -> Result<(), Problem> {
    let unknown = |sub_code, sub_msg| Problem { signed: false, ..invalid(sub_code, sub_msg) };
    if params.get("app_id").is_empty() {
        return Err(Problem {
            signed: false,
            ..missing("isv.missing-app-id", "app_id is missing")
        });
    }
    if params.get("app_id") != account.app_id {
        return Err(unknown("isv.invalid-app-id", "there is no such application"));
    }
    if params.has_twins() {
        return Err(invalid("isv.suspected-attack", "a parameter appears twice"));
    }
    for (name, problem) in [
        ("method", missing("isv.missing-method", "method is missing")),
        ("sign", missing("isv.missing-signature", "sign is missing")),
        ("sign_type", missing("isv.missing-signature-type", "sign_type is missing")),
        ("timestamp", missing("isv.missing-timestamp", "timestamp is missing")),
        ("version", missing("isv.missing-version", "version is missing")),
    ] {
        if params.get(name).is_empty() {
            return Err(problem);
        }
    }
    if params.get("sign_type") != "RSA2" {
        return Err(invalid("isv.invalid-signature-type", "RSA2 is the only type here"));
    }
    if !matches!(params.get("charset").to_ascii_lowercase().as_str(), "" | "utf-8" | "utf8") {
        return Err(invalid("isv.invalid-charset", "utf-8 is the only charset here"));
    }
    if !matches!(params.get("format"), "" | "JSON" | "json") {
        return Err(invalid("isv.invalid-format", "JSON is the only format"));
    }
    if params.get("version") != "1.0" {
        return Err(invalid("isv.invalid-version", "the version is 1.0"));
    }
    if from_beijing(params.get("timestamp")).is_none() {
        return Err(invalid("isv.invalid-timestamp", "yyyy-MM-dd HH:mm:ss"));
    }
    let text = sign::request_text(&params.0);
    if !sign::is_genuine(&account.app_public, &text, params.get("sign")) {
        return Err(invalid("isv.invalid-signature", "the signature does not fit the request"));
    }
    let (app, root) = (params.get("app_cert_sn"), params.get("alipay_root_cert_sn"));
    let names = &account.certificates;
    let certified = !app.is_empty() || !root.is_empty();
    if certified && (app != names.app_sn || root != names.root_sn) {
        return Err(invalid("isv.invalid-cert-sn", "these certificates are not known"));
    }
    Ok(())
}
