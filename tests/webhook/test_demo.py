"""`make run`: four real decisions over TLS, then it keeps serving, and ends when it is told to."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LAST_LINE = "Ctrl-C ends it.\n"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The demonstration on free ports, in a folder of its own."""
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        ports = {
            "PODGATE_DEMO_PORT": str(first.getsockname()[1]),
            "PODGATE_DEMO_OPS_PORT": str(second.getsockname()[1]),
        }
    command = [sys.executable, "-m", "webhook.demo"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, **ports}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def shown(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return list(iter(process.stdout.readline, LAST_LINE))


def test_shows_four_decisions_and_ends_with_the_interrupt(demo: subprocess.Popen[str]) -> None:
    lines = shown(demo)
    demo.send_signal(signal.SIGINT)

    assert demo.wait(timeout=90) == 0
    assert [line.split(":")[0] for line in lines if line.startswith(("ALLOW", "WARN", "DENY"))] == [
        "WARN   ordinary-app.yaml",
        "ALLOW  hardened-app.yaml",
        "DENY   node-agent.yaml",
        "DENY   dangerous.yaml",
    ]
    assert any(line.startswith("       - privileged: spec.containers[0].securityContext.privileged") for line in lines)
    assert demo.stderr is not None
    assert "Traceback" not in demo.stderr.read()
