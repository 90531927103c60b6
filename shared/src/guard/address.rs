//! Which addresses are public: the ones that a URL of a tenant's may lead to.
//!
//! Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890), with the ones that
//! have been given up since and are still routed inside networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not public of IPv4: first address and number of bits.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 18] = [
    // This network (RFC 791).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Shared by a provider's customers (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback (RFC 1122): Lambda's runtime API and extensions are there.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local (RFC 3927): credentials of containers and machines are there.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocol assignments (RFC 6890).
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // AS112 and AMT (RFC 7535, 7450, 7534): answered by whoever is nearest.
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    // Relays of 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Multicast (RFC 5771).
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and broadcast (RFC 1112, RFC 919).
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only block of IPv6 that is given out for the public (RFC 4291). Whatever is outside of it is refused:
/// loopback, mapped and translated IPv4, unique local, link-local, site-local, multicast, and what is to come.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public of that block.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 5] = [
    // Protocol assignments (RFC 2928): Teredo, ORCHID, benchmarks, AMT, AS112.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849, RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4 (RFC 3056): any IPv4 address can stand in it.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // AS112 (RFC 7534).
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
];

/// Whether an address is public. An IPv4 address in the clothes of IPv6 (`::ffff:0:0/96`) counts as itself.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !NOT_PUBLIC_V4
            .iter()
            .any(|(first, bits)| same_v4(address, *first, *bits)),
        IpAddr::V6(address) => {
            let (first, bits) = GLOBAL_V6;
            let special = NOT_PUBLIC_V6
                .iter()
                .any(|(first, bits)| same_v6(address, *first, *bits));
            same_v6(address, first, bits) && !special
        }
    }
}

/// Whether it is this machine.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn same_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u32) -> bool {
    (one.to_bits() ^ other.to_bits()) >> (32 - bits) == 0
}

fn same_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u32) -> bool {
    (one.to_bits() ^ other.to_bits()) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().expect("an address"))
    }

    /// Both ends of each range, and its neighbours; those that are not public themselves are blank.
    #[rustfmt::skip]
    const RANGES: [[&str; 4]; 22] = [
        ["0.0.0.0", "0.255.255.255", "", "1.0.0.0"],
        ["10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
        ["100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
        ["127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
        ["169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
        ["172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
        ["192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
        ["192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
        ["192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"],
        ["192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"],
        ["192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"],
        ["192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
        ["192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"],
        ["198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
        ["198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
        ["203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
        ["224.0.0.0", "255.255.255.255", "223.255.255.255", ""],
        ["2001::", "2001:1ff:ffff::", "", "2001:200::"],
        ["2001:db8::", "2001:db8:ffff:ffff::", "2001:db7:ffff::", "2001:db9::"],
        ["2002::", "2002:ffff:ffff::", "2001:ffff::", "2003::"],
        ["3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"],
        ["2620:4f:8000::", "2620:4f:8000:ffff::", "2620:4f:7fff::", "2620:4f:8001::"],
    ];

    #[test]
    fn the_ranges_end_where_they_should() {
        for [first, last, before, after] in RANGES {
            assert!(!public(first), "{first}");
            assert!(!public(last), "{last}");
            for outside in [before, after].iter().filter(|address| !address.is_empty()) {
                assert!(public(outside), "{outside}");
            }
        }
    }

    #[test]
    fn of_ipv6_only_what_is_given_out_is_public() {
        for refused in [
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "::ffff:0:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "1fff:ffff::",
        ] {
            assert!(!public(refused), "{refused}");
        }
        for taken in [
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
            "::ffff:8.8.8.8",
            "8.8.8.8",
            "1.1.1.1",
        ] {
            assert!(public(taken), "{taken}");
        }
    }

    #[test]
    fn what_lambda_and_containers_keep_for_themselves_is_not_public() {
        for refused in [
            "127.0.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.79.129",
            "fd00:ec2::23",
        ] {
            assert!(!public(refused), "{refused}");
        }
    }
}
