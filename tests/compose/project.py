"""A Compose project of the test's own: its name, its port, its containers."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from websocket import Session

REPO = Path(__file__).resolve().parents[2]
DOCKER = ["docker"]


def compose_command():
    """The plugin if it is installed, the older program otherwise."""
    plugin = [*DOCKER, "compose"]
    if subprocess.run([*plugin, "version"], capture_output=True).returncode == 0:
        return plugin
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    sys.exit("neither `docker compose` nor `docker-compose` is there")


def until(what, ask, within=30):
    """Polls until the answer is true, and returns it."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within} s: {what}")
        time.sleep(0.1)
    return answer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Project:
    def __init__(self):
        self.name = f"adda-test-{os.getpid()}"
        self.port = free_port()
        self._compose = [*compose_command(), "-p", self.name, "-f", str(REPO / "docker-compose.yml")]
        self._env = {**os.environ, "ADDA_PORT": f"127.0.0.1:{self.port}"}
        if self._compose[0] == "docker-compose":
            # Compose's own builder: the docker program may lack BuildKit.
            self._env |= {"COMPOSE_DOCKER_CLI_BUILD": "0", "DOCKER_BUILDKIT": "0"}

    def compose(self, *arguments, within=120):
        """Runs Compose; prints its output only if it fails."""
        self._run([*self._compose, *arguments], within)

    def nodes(self):
        """The running node containers by node id."""
        ids = self._run([*self._compose, "ps", "-q", "node"]).split()
        running = [c for c in ids if self.inspect(c, "{{.State.Running}}") == "true"]
        return {self._node_id(container): container for container in running}

    def is_healthy(self, service):
        """Whether the engine reports its container as healthy."""
        container = self._run([*self._compose, "ps", "-q", service]).strip()
        return self.inspect(container, "{{.State.Health.Status}}") == "healthy"

    def inspect(self, container, field):
        return self._run([*DOCKER, "inspect", "-f", field, container]).strip()

    def docker(self, *arguments, within=60):
        self._run([*DOCKER, *arguments], within)

    def address(self, container):
        return self.inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")

    def leftovers(self):
        """Remaining containers, volumes and networks of the project, by its label."""
        mine = ["--filter", f"label=com.docker.compose.project={self.name}"]
        lists = (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"])
        return [line for what in lists for line in self._run([*DOCKER, *what, *mine]).split()]

    def logs(self):
        command = [*self._compose, "logs", "--no-color", "--tail=40"]
        return subprocess.run(command, env=self._env, text=True, capture_output=True, timeout=60).stdout

    def connect(self, username, host="127.0.0.1", port=None):
        """A full session, through the balancer by default, and its welcome."""
        session = Session(host, port or self.port, f"/ws?username={username}")
        return session, session.expect("welcome")

    def is_answering(self):
        """Whether the balancer is up: the engine accepts connections to its port before it listens itself."""
        try:
            return self.get("/api/nodes")[0] == 200
        except OSError:
            return False

    def get(self, path, host="127.0.0.1", port=None):
        """(status, JSON) of a REST request, through the balancer by default."""
        connection = http.client.HTTPConnection(host, port or self.port, timeout=10)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or "null")
        finally:
            connection.close()

    def _node_id(self, container):
        session, welcome = self.connect("probe", self.address(container), 3000)
        session.close()
        return welcome["node_id"]

    def _run(self, command, within=60):
        done = subprocess.run(
            command, env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=within
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout[-4000:]}")
        return done.stdout
