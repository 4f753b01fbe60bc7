//! A real HAProxy with the repository's configuration; only the list of servers differs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Http, LONG_DEADLINE, eventually, ports, skip};

/// A running HAProxy. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct HaProxy {
    /// Where it listens on the loopback address.
    pub port: u16,
    setup: Setup,
    process: Child,
}

/// Its start parameters.
#[derive(Debug)]
struct Setup {
    folder: PathBuf,
    files: Vec<PathBuf>,
    variables: Vec<(&'static str, String)>,
    greeting: Greeting,
}

/// The answer that shows that it forwards requests.
#[derive(Debug)]
struct Greeting {
    port: u16,
    path: &'static str,
    status: u16,
}

impl HaProxy {
    /// In front of the nodes on these ports, once one of them can serve. `None`, with a message on stderr, if haproxy is
    /// not installed.
    pub async fn start(nodes: &[u16]) -> Option<Self> {
        Self::start_with(nodes, "").await
    }

    /// The same with more sections behind those of the repository, such as another frontend.
    pub async fn start_with(nodes: &[u16], sections: &str) -> Option<Self> {
        let port = ports::reserve();
        let setup = Setup::new(port, nodes, sections);
        Self::run(port, setup).await
    }

    /// The same with TLS as in `config/haproxy/tls.cfg`; `pem` is a certificate and its key. Plain requests to the second
    /// port are redirected to the first.
    pub async fn start_tls(nodes: &[u16], pem: &str, plain_port: u16) -> Option<Self> {
        let port = ports::reserve();
        let mut setup = Setup::new(port, nodes, "");
        let path = setup.folder.join("adda.pem");
        std::fs::write(&path, pem).expect("the target folder can be written");
        setup.files.push(config("tls.cfg"));
        let bind = format!("127.0.0.1:{port} ssl crt {} alpn h2,http/1.1", path.display());
        setup.variables = vec![
            ("ADDA_BALANCER_BIND", bind),
            ("ADDA_BALANCER_PLAIN_BIND", format!("127.0.0.1:{plain_port}")),
        ];
        setup.greeting = Greeting { port: plain_port, path: "/", status: 308 };
        Self::run(port, setup).await
    }

    async fn run(port: u16, setup: Setup) -> Option<Self> {
        let process = match setup.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("haproxy");
                return None;
            }
            Err(error) => panic!("haproxy can't be started: {error}"),
        };
        let mut balancer = Self { port, setup, process };
        balancer.until_it_answers().await;
        Some(balancer)
    }

    /// `kill -9`: every connection through it breaks.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }

    /// Starts it again after [`Self::kill`] and waits until it forwards requests.
    pub async fn restart(&mut self) {
        self.process = self.setup.spawn().expect("it could be started before");
        self.until_it_answers().await;
    }

    async fn until_it_answers(&mut self) {
        let Greeting { port, path, status } = self.setup.greeting;
        eventually("haproxy finds a node", LONG_DEADLINE, async || {
            let exit = self.process.try_wait().expect("a child of ours");
            assert!(exit.is_none(), "haproxy ended: {exit:?}");
            (Http::new(port).status(path).await == Some(status)).then_some(())
        })
        .await;
    }
}

fn config(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/haproxy").join(file)
}

impl Setup {
    fn new(port: u16, nodes: &[u16], sections: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("haproxy-{port}"));
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let servers: String =
            nodes.iter().map(|node| format!("    server n{node} 127.0.0.1:{node}\n")).collect();
        let list = folder.join("servers.cfg");
        std::fs::write(&list, format!("backend nodes\n{servers}\n{sections}")).expect("so can a file");
        Self {
            folder,
            files: vec![config("haproxy.cfg"), list],
            variables: vec![("ADDA_BALANCER_BIND", format!("127.0.0.1:{port}"))],
            greeting: Greeting { port, path: "/api/nodes", status: 200 },
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        // Debian installs it outside a user's PATH.
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("haproxy")
            .env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"))
            .envs(self.variables.iter().cloned())
            .arg("-db")
            .args(self.files.iter().flat_map(|file| [Path::new("-f"), file]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.setup.folder);
    }
}
