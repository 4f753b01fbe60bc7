//! A real server of the S3 protocol: moto's, which keeps objects in memory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Http, LONG_DEADLINE, eventually, ports, program, skip};

/// A running server with the bucket `adda`.
#[derive(Debug)]
pub struct S3Server {
    program: PathBuf,
    port: u16,
    process: Child,
}

impl S3Server {
    /// Starts it; `None` if it is not installed.
    pub async fn start() -> Option<Self> {
        let Some(program) = program("moto", "moto_server") else {
            skip("moto_server");
            return None;
        };
        let port = ports::reserve();
        let process = run(&program, port);
        let server = Self { program, port, process };
        server.make_bucket().await;
        Some(server)
    }

    async fn make_bucket(&self) {
        eventually("the server of S3 has a bucket", LONG_DEADLINE, async || {
            let reply = Http::new(self.port).call("PUT", "/adda").try_send().await?;
            (reply.status == 200).then_some(())
        })
        .await;
    }

    /// Kills it.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, with an empty bucket.
    pub async fn restart(&mut self) {
        self.process = run(&self.program, self.port);
        self.make_bucket().await;
    }

    /// `files.s3_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The list of uploads in parts that are under way, as S3 writes it.
    pub async fn uploads(&self) -> String {
        let reply = Http::new(self.port).get("/adda?uploads").await;
        String::from_utf8(reply.body.to_vec()).expect("XML")
    }

    /// The list of objects in the bucket, as S3 writes it.
    pub async fn list(&self) -> String {
        let reply = Http::new(self.port).get("/adda").await;
        String::from_utf8(reply.body.to_vec()).expect("XML")
    }
}

fn run(program: &Path, port: u16) -> Child {
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be started")
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}
