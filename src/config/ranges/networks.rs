//! Networks of IP addresses.

use std::net::IpAddr;

use ::config::Value;
use ipnet::IpNet;

use super::Range;
use crate::config::value::texts;

/// Networks in one setting, at most.
const MOST: usize = 256;

/// IPv4 and IPv6 networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether one of them has the address. An IPv4 address that is mapped into IPv6 is not found as such.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Any [`Networks`].
#[derive(Debug)]
pub struct NetworkList;

impl Range for NetworkList {
    type Value = Networks;

    fn read(&self, given: &Value) -> Option<Networks> {
        let items = texts(given)?;
        let networks: Vec<_> = items.iter().map(|item| parse(item)).collect::<Option<_>>()?;
        (networks.len() <= MOST).then_some(Networks(networks))
    }

    fn takes(&self) -> String {
        format!("a list of at most {MOST} IP addresses or networks")
    }

    fn ends(&self) -> [String; 2] {
        ["[]", r#"["0.0.0.0/0", "::/0"]"#].map(str::to_owned)
    }
}

fn parse(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_of_its_prefix() {
        let networks = NetworkList.read(&Value::from("10.0.0.0/8, 192.0.2.7,fd00::/8")).unwrap();
        for (address, is_in) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(networks.contain(address.parse().unwrap()), is_in, "{address}");
        }
    }

    #[test]
    fn no_network_is_read_from_other_texts() {
        for text in ["10.0.0.0/33", "10.0.0", "proxy", "10.0.0.0/8 192.0.2.7", "::/129", "10.0.0.1:80"] {
            assert_eq!(NetworkList.read(&Value::from(text)), None, "{text}");
        }
        let many = vec!["10.0.0.1"; MOST + 1].join(",");
        assert_eq!(NetworkList.read(&Value::from(many)), None);
        assert_eq!(NetworkList.read(&Value::from("")), Some(Networks(Vec::new())));
    }
}
