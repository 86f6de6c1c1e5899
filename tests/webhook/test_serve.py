"""The whole program in a process of its own: it starts, serves, reloads, drains, and ends as it was told to."""

import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from certs.authority import Authority
from policies.risk.classifier import Classifier
from tests.policies.risk import models
from tests.reviews import body, pod, privileged_pod, review
from tests.webhook.serving import HOST, Answer, Wire, wait
from webhook.listener import listen

BAD = body(review(privileged_pod()))
GOOD = body(review(pod()))
NOW = datetime.now(UTC)
OLD, NEW = Authority.create("old", NOW), Authority.create("new", NOW)
POLICY = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: pss-baseline%s}\n"
KEY = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="  # of the private bytes 1, 1, ..
PROGRAM = [sys.executable, "-c", "from webhook.serve import command; command()"]


def install(folder: Path, authority: Authority) -> None:
    authority.server(["localhost"], NOW).write(folder / "tls.crt", folder / "tls.key")


def start(folder: Path, *flags: str, **popen: Any) -> subprocess.Popen[bytes]:
    keys = ["--tls-cert", str(folder / "tls.crt"), "--tls-key", str(folder / "tls.key")]
    where = ["--host", HOST, "--port", "0", "--ops-port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODGATE_")}
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen
    return subprocess.Popen([*PROGRAM, *where, *keys, *flags], env=environment, **streams)


@dataclass
class Served:
    """A running program, what it said, and how to reach it."""

    folder: Path
    process: subprocess.Popen[bytes]
    said: list[dict[str, Any]] = field(default_factory=list)
    decided: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    ops_port: int = 0

    def begin(self) -> None:
        self._follow(self.process.stderr, self.said)
        self._follow(self.process.stdout, self.decided)
        assert wait(lambda: "ready" in self.messages() or self.process.poll() is not None, 20)
        ready = next(line for line in self.said if line["message"] == "ready")
        self.port = int(ready["admission"].removesuffix("/validate").rsplit(":", 1)[1])
        self.ops_port = int(ready["ops"].rsplit(":", 1)[1])

    def _follow(self, stream: IO[bytes] | None, lines: list[dict[str, Any]]) -> None:
        if stream is not None:
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream: IO[bytes], lines: list[dict[str, Any]]) -> None:
        for line in stream:
            lines.append(json.loads(line))  # noqa: PERF401 - the tests watch it grow

    def messages(self) -> list[str]:
        return [line["message"] for line in self.said]

    def wire(self, authority: Authority = OLD) -> Wire:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=authority.pair.cert.decode())
        return Wire(self.port, context)

    def ask(self, sent: bytes) -> Answer:
        with self.wire() as wire:
            return wire.ask(sent)

    def ops(self, path: str) -> Answer:
        with Wire(self.ops_port) as wire:
            return wire.get(path)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(timeout=15)


@contextmanager
def beginning(folder: Path) -> Iterator[Callable[..., Served]]:
    """Starts the program with some flags, and waits until it is ready; it is killed in the end."""
    started: list[Served] = []

    def go(*flags: str, **popen: Any) -> Served:
        if not (folder / "tls.crt").exists():
            install(folder, OLD)
        found = Served(folder, start(folder, *flags, **popen))
        started.append(found)
        found.begin()
        return found

    yield go
    for found in started:
        found.process.kill()
        found.process.wait()
        for stream in (found.process.stdout, found.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    with beginning(tmp_path) as go:
        yield go


def test_from_start_to_end(begin: Callable[..., Served]) -> None:
    served = begin("--drain-seconds", "0")
    verdicts = [served.ask(sent).json["response"]["allowed"] for sent in (GOOD, BAD)]
    ready, metrics = served.ops("/readyz"), served.ops("/metrics")
    assert wait(lambda: len(served.decided) == 2)
    served.signal(signal.SIGTERM)

    assert served.end() == 0
    assert verdicts == [True, False]
    assert ready.status == 200
    assert b'{decision="deny",dry_run="false",kind="Pod",mode="enforce",operation="CREATE"} 1.0' in metrics.body
    assert [line["decision"] for line in served.decided] == ["warn", "deny"]
    assert served.messages() == ["ready", "draining", "stopped"]


@dataclass
class Client:
    """Asks again and again on a kept connection. Told that it ends, it makes another, as it would to a replica."""

    served: Served
    answered: int = 0
    told: bool = False
    failures: list[BaseException] = field(default_factory=list)

    def __call__(self) -> None:
        try:
            with self.served.wire() as wire:
                while not self.told:
                    answer = wire.ask(BAD)
                    assert answer.status == 200
                    self.answered += 1
                    self.told = answer.closes
                assert wire.is_ended()
            assert self.served.ask(GOOD).status == 200
        except (AssertionError, OSError, EOFError) as error:
            self.failures.append(error)


def test_nobody_fails_while_it_drains(begin: Callable[..., Served]) -> None:
    served = begin("--drain-seconds", "1", "--decision-log", os.devnull)
    clients = [Client(served) for _ in range(8)]
    threads = [threading.Thread(target=client) for client in clients]
    for thread in threads:
        thread.start()
    assert wait(lambda: all(client.answered > 3 or client.failures for client in clients))
    served.signal(signal.SIGTERM)
    assert wait(lambda: served.ops("/readyz").status == 503)
    for thread in threads:
        thread.join(timeout=10)

    assert [client.failures for client in clients] == [[]] * 8
    assert all(client.told for client in clients)
    assert served.end() == 0


def test_a_half_sent_request_does_not_hold_up_the_end(begin: Callable[..., Served]) -> None:
    served = begin("--drain-seconds", "0", "--read-timeout", "0.5")
    with served.wire() as idle, served.wire() as half:
        idle.ask(GOOD)
        half.post(b"half", content_length="1000")
        served.signal(signal.SIGINT)

        assert served.end() == 0


def test_a_second_signal_ends_it_at_once(begin: Callable[..., Served]) -> None:
    served = begin("--drain-seconds", "60")
    served.signal(signal.SIGTERM)
    assert wait(lambda: "draining" in served.messages())
    served.signal(signal.SIGTERM)

    assert served.end() == 1


def test_files_are_looked_at_when_it_is_told_to(begin: Callable[..., Served], tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY % "")
    served = begin("--policy", str(policy))
    before = served.ask(BAD).json["response"]["allowed"]
    policy.write_text(POLICY % ", mode: audit")
    install(tmp_path, NEW)
    served.signal(signal.SIGHUP)
    assert wait(lambda: {"a new policy is in force", "a new certificate is served"} <= {*served.messages()})
    with served.wire(NEW) as wire:
        after = wire.ask(BAD).json["response"]["allowed"]

    assert (before, after) == (False, True)
    metrics = served.ops("/metrics").body
    for what in (b"certificate", b"policy"):
        assert b'podgate_reloads_total{result="ok",what="%s"} 1.0' % what in metrics


def test_files_are_looked_at_all_the_time(begin: Callable[..., Served], tmp_path: Path) -> None:
    served = begin()
    install(tmp_path, NEW)

    assert wait(lambda: "a new certificate is served" in served.messages(), 10)


def test_nobody_reads_the_decisions_and_reviews_go_on(begin: Callable[..., Served]) -> None:
    reader, writer = os.pipe()
    served = begin(stdout=writer)
    os.close(writer)
    with served.wire() as wire:
        blocked = [wire.ask(BAD).status for _ in range(300)]
        os.close(reader)
        closed = [wire.ask(BAD).status for _ in range(10)]

    assert {*blocked, *closed} == {200}
    assert b'podgate_errors_total{stage="log"} 0.0' not in served.ops("/metrics").body


def test_decisions_are_appended_to_a_file(begin: Callable[..., Served], tmp_path: Path) -> None:
    served = begin("--decision-log", str(tmp_path / "decisions"))
    served.ask(BAD)

    assert wait(lambda: (tmp_path / "decisions").read_text().endswith("\n"))
    assert json.loads((tmp_path / "decisions").read_text())["rules"][0] == "privileged"


def test_the_decision_log_is_rotated_by_a_signal(begin: Callable[..., Served], tmp_path: Path) -> None:
    log, old = tmp_path / "decisions", tmp_path / "decisions.1"
    served = begin("--decision-log", str(log))
    served.ask(BAD)
    assert wait(lambda: log.read_text().endswith("\n"))
    log.rename(old)
    served.signal(signal.SIGHUP)
    assert wait(lambda: "the decision log was opened anew" in served.messages())
    served.ask(GOOD)
    assert wait(lambda: log.read_text().endswith("\n"))

    assert [json.loads(path.read_text())["decision"] for path in (old, log)] == ["deny", "warn"]


def test_connections_are_bounded_and_those_beyond_are_counted(begin: Callable[..., Served]) -> None:
    served = begin("--max-connections", "1")
    with served.wire() as kept:
        answers = [kept.ask(GOOD).status, served.ask(GOOD).status, kept.ask(GOOD).status]

    assert answers == [200, 429, 200]
    assert b'podgate_errors_total{stage="overload"} 1.0' in served.ops("/metrics").body


def test_as_many_files_are_allowed_as_connections(begin: Callable[..., Served]) -> None:
    served = begin(
        "--max-connections", "1000", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 2048))
    )

    assert resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE) == (1256, 2048)


def test_lost_decisions_are_said(begin: Callable[..., Served]) -> None:
    reader, writer = os.pipe()
    served = begin(stdout=writer)
    os.close(writer)
    os.close(reader)
    served.ask(BAD)

    assert wait(lambda: "lines of the decision log were lost" in served.messages())


def failed(folder: Path, *flags: str) -> str:
    """What it says when it cannot start."""
    process = start(folder, *flags)
    output, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert output == b""
    assert b"Traceback" not in said
    return said.decode().strip().splitlines()[-1]


def test_what_keeps_it_from_starting_is_said_in_one_line(tmp_path: Path) -> None:
    assert failed(tmp_path) == f"Error: {tmp_path}/tls.crt cannot be read: no such file or directory"
    install(tmp_path, OLD)
    with listen(HOST, 0) as taken_socket:
        port = taken_socket.getsockname()[1]
        assert failed(tmp_path, "--port", str(port)) == f"Error: cannot listen on {HOST}:{port}: address already in use"
        taken = failed(tmp_path, "--ops-port", str(port))
    (tmp_path / "policy.yaml").write_text(POLICY % ", mode: loud")

    assert taken == f"Error: cannot listen on {HOST}:{port}: address already in use"
    assert failed(tmp_path, "--policy", str(tmp_path / "policy.yaml")).startswith(f"Error: {tmp_path}/policy.yaml:3: ")
    (tmp_path / "model.json").write_text("{}")
    said = f"Error: {tmp_path}/model.json: the model cannot be read: "
    assert failed(tmp_path, "--model", str(tmp_path / "model.json")).startswith(said)
    (tmp_path / "model.json").write_bytes(models.written(models.model()))
    (tmp_path / "policy.yaml").write_text(POLICY % f", classifier: {{keys: [{{id: team, publicKey: {KEY}}}]}}")
    said = f"Error: the model {Classifier(models.model()).name} is signed by nobody; the policy takes models that are "
    files = ("--policy", str(tmp_path / "policy.yaml"), "--model", str(tmp_path / "model.json"))
    assert failed(tmp_path, *files).startswith(f"{said}signed with team: ")
    assert failed(tmp_path, "--decision-log", str(tmp_path)) == f"Error: {tmp_path} cannot be written: is a directory"
    assert failed(tmp_path, "--port", "http").startswith("Error: --port: ")
    said = "Error: --managed-certificates needs a cluster: this is no pod of one, and --cluster names none"
    assert failed(tmp_path, "--managed-certificates", "podgate-system/podgate-tls") == said


EXHAUSTED = """
from webhook.listener import Listener
from webhook.serve import command

async def startup(self, sockets=None):
    raise OSError(24, "Too many open files")

Listener.startup = startup
command()
"""


def test_a_server_that_cannot_begin_to_accept_says_so_and_is_not_waited_for(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    keys = ["--tls-cert", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key")]
    command = [sys.executable, "-c", EXHAUSTED, "--host", HOST, "--port", "0", "--ops-port", "0", *keys]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == "Error: cannot serve: too many open files"


def test_pages_are_made_when_somebody_asks_for_one_and_reviews_go_on(begin: Callable[..., Served]) -> None:
    served = begin()
    with served.wire() as one, served.wire() as two, served.wire() as three:
        for wire in (one, two):
            wire.send(b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert three.ask(GOOD).json["response"]["allowed"] is True
        first, second = one.answer(), two.answer()
    assert (first.status, first.body) == (200, second.body)
    assert first.json["info"]["title"] == "Podgate"


def test_what_pages_are_made_with_is_not_loaded_before() -> None:
    program = "import sys, webhook.serve; sys.exit('fastapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
