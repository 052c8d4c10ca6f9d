//! Who is really asking, when a proxy stands in between.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address a request comes from: the peer's, or, when the peer is one of our proxies, the last
/// one on its list that is not. Anybody can write the rest of that list, so it is not read. `None`
/// when a proxy of ours does not say.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let is_ours = |ip: IpAddr| proxies.iter().any(|proxy| proxy.contains(&ip));
    let peer = peer.to_canonical();
    if !is_ours(peer) {
        return Some(peer);
    }
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    for line in lines.iter().rev() {
        for hop in line.to_str().ok()?.rsplit(',') {
            let hop = hop.trim().parse::<IpAddr>().ok()?.to_canonical();
            if !is_ours(hop) {
                return Some(hop);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str], proxies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let proxies: Vec<_> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        of(peer.parse().unwrap(), &headers, &proxies).map(|ip| ip.to_string())
    }

    #[test]
    fn p25_a_proxy_of_ours_is_believed_and_nobody_else() {
        let ours = ["10.0.0.0/24", "fd00::/8"];
        let theirs = Some("185.71.76.1".to_owned());
        assert_eq!(seen("185.71.76.1", &[], &[]), theirs, "no proxy");
        assert_eq!(seen("10.0.0.5", &["185.71.76.1"], &ours), theirs);
        assert_eq!(seen("::ffff:10.0.0.5", &["::ffff:185.71.76.1"], &ours), theirs);
        assert_eq!(seen("fd00::1", &["185.71.76.1, 10.0.0.7"], &ours), theirs, "two of ours");
        assert_eq!(seen("10.0.0.5", &["185.71.76.1", "10.0.0.7"], &ours), theirs, "two lines");

        let stranger = Some("203.0.113.9".to_owned());
        assert_eq!(seen("203.0.113.9", &["185.71.76.1"], &ours), stranger, "not our proxy");
        assert_eq!(seen("203.0.113.9", &["185.71.76.1"], &[]), stranger);
        let written_by_the_stranger = "185.71.76.1, 203.0.113.9";
        assert_eq!(seen("10.0.0.5", &[written_by_the_stranger], &ours), stranger);
        assert_eq!(seen("10.0.0.5", &["185.71.76.1", "203.0.113.9"], &ours), stranger);
    }

    #[test]
    fn p25_a_proxy_that_does_not_say_leaves_it_open() {
        for lines in
            [&[][..], &[""], &["unknown"], &["185.71.76.1, x"], &["10.0.0.9"], &["1.2.3.4:80"]]
        {
            assert_eq!(seen("10.0.0.5", lines, &["10.0.0.0/24"]), None, "{lines:?}");
        }
    }
}
