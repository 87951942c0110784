//! From which address a request comes: the peer's, or what a trusted proxy says.

use std::net::IpAddr;

use axum::http::HeaderMap;

const FORWARDED: &str = "x-forwarded-for";

/// The client's address. `X-Forwarded-For` is read from the right as long as those who wrote it are trusted proxies: the
/// part to the left of the first stranger is whatever that stranger claims.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines: Vec<_> = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut hops = lines.iter().flat_map(|line| line.split(',')).rev();
    while trusted.contains(&address) {
        match hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) {
            Some(hop) => address = hop.to_canonical(),
            None => break,
        }
    }
    address
}

/// What a rate is limited by: an IPv4 address, or an IPv6 network of 64 bits, since whoever has one address of it has
/// them all.
pub(crate) fn limited_by(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (FORWARDED.parse().unwrap(), line.parse().unwrap())).collect()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        let headers = forwarded(&["198.51.100.7"]);
        assert_eq!(client(address("203.0.113.9"), &headers, &[]), address("203.0.113.9"));
    }

    #[test]
    fn a_proxys_word_counts_up_to_the_first_stranger() {
        let proxies = [address("10.0.0.1"), address("10.0.0.2")];
        let headers = forwarded(&["192.0.2.66, 198.51.100.7", "10.0.0.2"]);
        assert_eq!(client(address("10.0.0.1"), &headers, &proxies), address("198.51.100.7"));
        assert_eq!(client(address("10.0.0.1"), &forwarded(&["nonsense"]), &proxies), address("10.0.0.1"));
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        assert_eq!(limited_by(address("2001:db8:1:2:3::4")), limited_by(address("2001:db8:1:2:ffff::1")));
        assert_ne!(limited_by(address("2001:db8:1:2::1")), limited_by(address("2001:db8:1:3::1")));
    }
}
