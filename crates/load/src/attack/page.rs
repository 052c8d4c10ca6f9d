//! The report as a page that needs nothing but itself.

use std::fmt::Write as _;

use super::case::Verdict;
use super::later::LATER;
use super::report::Report;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881}\
*{box-sizing:border-box}\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1.25rem}\
h1{font-size:1.5rem;margin:0}p{margin:.4rem 0 1.4rem;opacity:.8}\
dl{display:flex;flex-wrap:wrap;gap:.75rem;margin:0 0 2rem}\
dl div{border:1px solid var(--line);border-radius:.6rem;padding:.6rem 1rem;min-width:7.5rem}\
dt{font-size:.8rem;opacity:.75}dd{margin:0;font-size:1.5rem;font-variant-numeric:tabular-nums}\
details{border:1px solid var(--line);border-radius:.6rem;margin:.5rem 0;overflow:hidden}\
summary{display:grid;grid-template-columns:3rem 1fr auto auto;gap:.75rem;padding:.6rem 1rem;\
cursor:pointer;align-items:center}summary::-webkit-details-marker{display:none}\
summary:hover{background:var(--soft)}summary small{opacity:.7;font-variant-numeric:tabular-nums}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}\
th,td{text-align:left;padding:.45rem 1rem;border-top:1px solid var(--line);vertical-align:top;\
overflow-wrap:anywhere}th{font-weight:600;white-space:nowrap}code{font-size:.85em}\
.v{border-radius:1rem;padding:.1rem .6rem;font-size:.8rem;white-space:nowrap;font-weight:600}\
.held{background:#1a7f3722;color:#1a7f37}.got_through{background:#c2122222;color:#c21222}\
.not_tried{background:#b3590022;color:#b35900}.not_here{background:var(--soft)}\
@media(prefers-color-scheme:dark){.held{color:#4ac26b}.got_through{color:#ff7b72}\
.not_tried{color:#f0a04b}}";

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::GotThrough => "got_through",
        Verdict::NotTried => "not_tried",
        Verdict::NotHere => "not_here",
    }
}

fn mark(verdict: Verdict) -> String {
    format!("<span class=\"v {}\">{}</span>", class(verdict), verdict.word())
}

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut out = String::from("<!doctype html><html lang=en><meta charset=utf-8>");
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>Attacks on {target}</title><style>{STYLE}</style>\
         <h1>Attacks on {target}</h1><p>{engine}, {rounds} rounds of each race, seed {seed}, \
         {seconds:.0} seconds</p><dl>",
        target = escaped(&report.target),
        engine = report.engine,
        rounds = report.rounds,
        seed = report.seed,
        seconds = report.seconds,
    );
    for verdict in [Verdict::Held, Verdict::GotThrough, Verdict::NotTried, Verdict::NotHere] {
        let (word, count) = (verdict.word(), report.count(verdict));
        let _ = write!(out, "<div><dt>{word}</dt><dd>{count}</dd></div>");
    }
    out.push_str("</dl>");
    for entry in &report.attacks {
        let verdict = entry.verdict();
        let open = if verdict.is_good() { "" } else { " open" };
        let held = entry.cases.iter().filter(|case| case.verdict == Verdict::Held).count();
        let tried = entry.cases.iter().filter(|case| case.verdict != Verdict::NotHere).count();
        let _ = write!(
            out,
            "<details{open}><summary><code>{}</code><span>{}</span><small>{held} of {tried}\
             </small>{}</summary><div class=wide><table><tr><th>Case<th>Tried<th>Expected<th>Seen\
             <th>",
            entry.id,
            escaped(entry.name),
            mark(verdict),
        );
        for case in &entry.cases {
            let _ = write!(
                out,
                "<tr><td><code>{}</code><td>{}<td>{}<td>{}<td>{}",
                case.id,
                escaped(&case.did),
                escaped(&case.expected),
                escaped(&case.seen),
                mark(case.verdict)
            );
        }
        out.push_str("</table></div></details>");
    }
    out.push_str(
        "<details><summary><code>…</code><span>Attacks that come with what they aim at</span>\
         <small></small><span></span></summary><div class=wide><table><tr><th>Attack<th>What is \
         tried<th>Comes with",
    );
    for (id, what, with) in LATER {
        let _ = write!(out, "<tr><td><code>{id}</code><td>{}<td>{}", escaped(what), escaped(with));
    }
    out.push_str("</table></div></details></html>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_sent_does_not_become_part_of_the_page() {
        assert_eq!(super::escaped("<a b=\"c\">&"), "&lt;a b=&quot;c&quot;&gt;&amp;");
    }
}
