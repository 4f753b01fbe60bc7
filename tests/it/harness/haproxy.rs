//! A real HAProxy with the repository's own configuration; only the list of servers is the test's.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Http, LONG_DEADLINE, eventually, ports, skip};

/// A running HAProxy. It is killed when it is dropped, and its folder goes with it.
#[derive(Debug)]
pub struct HaProxy {
    /// Where it listens on the loopback address.
    pub port: u16,
    folder: PathBuf,
    process: Child,
}

impl HaProxy {
    /// In front of the nodes on these ports, as soon as one of them can serve. `None`, and a word on
    /// stderr, if haproxy is not installed.
    pub async fn start(nodes: &[u16]) -> Option<Self> {
        Self::start_with(nodes, "").await
    }

    /// The same with more sections behind those of the repository, such as another frontend.
    pub async fn start_with(nodes: &[u16], sections: &str) -> Option<Self> {
        let port = ports::reserve();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("haproxy-{port}"));
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let servers: String =
            nodes.iter().map(|node| format!("    server n{node} 127.0.0.1:{node}\n")).collect();
        std::fs::write(folder.join("servers.cfg"), format!("backend nodes\n{servers}\n{sections}"))
            .expect("so can a file");
        let process = match run(port, &folder) {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("haproxy");
                return None;
            }
            Err(error) => panic!("haproxy can't be started: {error}"),
        };
        let mut balancer = Self { port, folder, process };
        balancer.until_it_answers().await;
        Some(balancer)
    }

    /// `kill -9`: every connection through it breaks.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }

    /// Starts it again after [`Self::kill`] and waits until it lets somebody through.
    pub async fn restart(&mut self) {
        self.process = run(self.port, &self.folder).expect("it could be started before");
        self.until_it_answers().await;
    }

    async fn until_it_answers(&mut self) {
        let http = Http::new(self.port);
        eventually("haproxy finds a node", LONG_DEADLINE, async || {
            let exit = self.process.try_wait().expect("a child of ours");
            assert!(exit.is_none(), "haproxy ended: {exit:?}");
            (http.status("/api/nodes").await == Some(200)).then_some(())
        })
        .await;
    }
}

fn run(port: u16, folder: &Path) -> std::io::Result<Child> {
    // Debian keeps it where only root's PATH looks.
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("haproxy")
        .env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"))
        .env("ADDA_BALANCER_BIND", format!("127.0.0.1:{port}"))
        .args(["-db", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/config/haproxy/haproxy.cfg"), "-f"])
        .arg(folder.join("servers.cfg"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
