//! The slot map: the master of each slot.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;

use crate::backend::Result;
use crate::backend::redis::client::server::{Server, parsed};
use crate::backend::redis::keys::{SLOTS, slot_of};

/// The master of each slot.
#[derive(Debug, Default)]
pub struct SlotMap {
    /// By the first slot.
    pub ranges: Vec<SlotRange>,
    /// The cluster's epoch of this map, which each change of the map raises. A partitioned server has an older one.
    pub epoch: u64,
}

/// Consecutive slots of one master.
#[derive(Debug, Clone)]
pub struct SlotRange {
    pub first: u16,
    pub last: u16,
    pub server: Arc<Server>,
}

impl SlotMap {
    pub fn single(server: Arc<Server>) -> Self {
        Self { ranges: vec![SlotRange { first: 0, last: SLOTS - 1, server }], epoch: 0 }
    }

    /// The server that has a key; `None` while no master is known.
    pub fn server(&self, key: &str) -> Option<&Arc<Server>> {
        if let [SlotRange { first: 0, last, server }] = self.ranges.as_slice()
            && *last == SLOTS - 1
        {
            return Some(server);
        }
        let slot = slot_of(key);
        let at = self.ranges.partition_point(|range| range.last < slot);
        self.ranges.get(at).filter(|range| range.first <= slot).map(|range| &range.server)
    }

    /// All servers, each once.
    pub fn servers(&self) -> Vec<Arc<Server>> {
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for SlotRange { server, .. } in &self.ranges {
            if !servers.iter().any(|known| Arc::ptr_eq(known, server)) {
                servers.push(server.clone());
            }
        }
        servers
    }

    /// Whether a server of this name has slots.
    pub fn has(&self, name: &str) -> bool {
        self.ranges.iter().any(|range| range.server.name == name)
    }

    /// A hash tag in a slot of this server.
    pub fn hash_tag_for(&self, server: &Arc<Server>) -> Option<String> {
        let is_its = |tag: &String| self.server(tag).is_some_and(|owner| Arc::ptr_eq(owner, server));
        (0..u32::from(SLOTS) * 16).map(|number| number.to_string()).find(is_its)
    }

    /// Whether the same servers have the same slots.
    pub fn same_layout(&self, other: &Self) -> bool {
        let mut pairs = self.ranges.iter().zip(&other.ranges);
        self.ranges.len() == other.ranges.len()
            && pairs.all(|(one, two)| {
                one.first == two.first && one.last == two.last && Arc::ptr_eq(&one.server, &two.server)
            })
    }
}

/// Consecutive slots of one master, as a server describes them.
#[derive(Debug)]
pub struct MasterRange {
    pub first: u16,
    pub last: u16,
    /// If known.
    pub host: Option<String>,
    pub port: u16,
}

/// Parses the reply of CLUSTER SLOTS.
pub fn masters(slots: Value) -> Result<Vec<MasterRange>> {
    let mut masters = Vec::new();
    for range in parsed::<Vec<Vec<Value>>>(slots)? {
        let [first, last, Value::Array(master), ..] = range.as_slice() else { continue };
        let [_, port, ..] = master.as_slice() else { continue };
        masters.push(MasterRange {
            first: parsed(first.clone())?,
            last: parsed(last.clone())?,
            host: host(master)?,
            port: parsed(port.clone())?,
        });
    }
    Ok(masters)
}

/// With preferred host names, a server without a name is `?`, and its address is in the metadata.
fn host(master: &[Value]) -> Result<Option<String>> {
    let named: Option<String> = parsed(master[0].clone())?;
    let named = match (named.as_deref(), master.get(3)) {
        (Some("?"), Some(besides)) => parsed::<HashMap<String, String>>(besides.clone())?.remove("ip"),
        _ => named,
    };
    Ok(named.filter(|host| !host.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::client::complaints::Complaints;
    use crate::backend::redis::client::dialer::Dialer;
    use crate::backend::redis::client::script::Publishing;
    use crate::backend::redis::client::target::Target;

    fn server(name: &str) -> Arc<Server> {
        let info = Target::read(&{
            let mut settings = crate::config::Config::defaults().redis;
            settings.url = format!("redis://{name}");
            settings
        });
        let Ok(Target::One(info)) = info else { panic!("one server") };
        let settings = crate::config::Config::defaults().redis;
        let dialer = Dialer::fixed(&info).expect("nothing is opened yet");
        Server::new(name.into(), dialer, &settings, None, Complaints::default(), Publishing::Sharded)
    }

    #[tokio::test]
    async fn a_key_is_at_the_master_of_its_slot_or_nowhere() {
        let (one, two) = (server("one:1"), server("two:2"));
        let range = |first, last, server: &Arc<Server>| SlotRange { first, last, server: server.clone() };
        let map = SlotMap { ranges: vec![range(0, 4999, &one), range(6000, SLOTS - 1, &two)], epoch: 1 };
        assert_eq!(map.server("").map(|server| &*server.name), Some("one:1"), "slot 0");
        assert_eq!(map.server("foo").map(|server| &*server.name), Some("two:2"), "slot 12182");
        let lost =
            (0..).map(|number: u32| number.to_string()).find(|key| (5000..6000).contains(&slot_of(key)));
        assert!(map.server(&lost.expect("some key")).is_none());
        for server in [one, two] {
            let tag = map.hash_tag_for(&server).expect("a tag");
            assert!(Arc::ptr_eq(map.server(&format!("x{{{tag}}}y")).expect("a server"), &server));
        }
    }

    #[test]
    fn a_master_has_its_name_or_its_address_or_the_host_of_the_queried_server() {
        let slots = concat!(
            "*3\r\n",
            "*3\r\n:0\r\n:9\r\n*4\r\n$3\r\none\r\n:1\r\n$1\r\na\r\n*2\r\n$2\r\nip\r\n$3\r\n::1\r\n",
            "*3\r\n:10\r\n:19\r\n*4\r\n$1\r\n?\r\n:2\r\n$1\r\nb\r\n*2\r\n$2\r\nip\r\n$3\r\n::1\r\n",
            "*3\r\n:20\r\n:29\r\n*4\r\n$-1\r\n:3\r\n$1\r\nc\r\n*2\r\n$2\r\nip\r\n$3\r\n::1\r\n",
        );
        let masters =
            masters(redis::parse_redis_value(slots.as_bytes()).expect("an answer")).expect("ranges");
        let hosts: Vec<_> = masters.iter().map(|range| (range.host.as_deref(), range.port)).collect();
        assert_eq!(hosts, [(Some("one"), 1), (Some("::1"), 2), (None, 3)]);
    }
}
