//! A network namespace of one test, in which packets can be dropped without a reset.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};

use super::skip;

/// The network namespace of the thread that entered it, and of every process that it starts. It has only a loopback
/// interface, and ends with the last process in it.
#[derive(Debug)]
pub struct Network(());

impl Network {
    /// Enters a new one. `None`, with a message on stderr, without the needed rights of root. Call it before the first
    /// connection in a test of one thread, so that all its sockets belong to the namespace.
    pub fn enter() -> Option<Self> {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            eprintln!("skipped: no network of its own ({error}); it takes root");
            return None;
        }
        if !run("ip", &["link", "set", "lo", "up"], "") || !run("nft", &["-f", "-"], RULES) {
            return None;
        }
        Some(Self(()))
    }

    /// Drops all packets from or to this port of the loopback addresses.
    pub fn lose_port(&self, port: u16) {
        self.add("ports", &port.to_string());
    }

    /// Drops all packets from or to this address.
    pub fn lose_address(&self, address: &str) {
        self.add("addresses", address);
    }

    /// Delivers all packets again, retransmissions included.
    pub fn heal(&self) {
        assert!(run("nft", &["-f", "-"], "flush set inet loss ports\nflush set inet loss addresses\n"));
    }

    /// Resets all current connections to a port.
    pub fn break_connections(&self, port: u16) {
        // Fails for sockets that have ended meanwhile.
        let output = Command::new("ss")
            .args(["--kill", "--tcp", "state", "established", "sport", "=", &format!(":{port}")])
            .output();
        output.expect("ss comes with ip");
    }

    fn add(&self, set: &str, element: &str) {
        assert!(run("nft", &["-f", "-"], &format!("add element inet loss {set} {{ {element} }}\n")));
    }
}

/// Packets are dropped on input, so that the sender gets no error.
const RULES: &str = "
table inet loss {
    set ports { type inet_service; }
    set addresses { type ipv4_addr; }
    chain arriving {
        type filter hook input priority 0; policy accept;
        tcp dport @ports drop
        tcp sport @ports drop
        ip daddr @addresses drop
        ip saddr @addresses drop
    }
}
";

/// Whether the program was found and succeeded.
fn run(program: &str, arguments: &[&str], input: &str) -> bool {
    let spawned = Command::new(program).args(arguments).stdin(Stdio::piped()).spawn();
    let mut process = match spawned {
        Ok(process) => process,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(program);
            return false;
        }
        Err(error) => panic!("{program} can't be started: {error}"),
    };
    process.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads its input");
    let status = process.wait().expect("a child of ours");
    assert!(status.success(), "{program} {arguments:?}: {status}");
    true
}
