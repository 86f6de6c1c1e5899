"""The program, started by a test and sure to be ended."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webhook.apiserver import ApiServer, api_server
from tests.webhook.serving import HOST
from tests.webhook.test_serve import OLD, Served, install, start

Begin = Callable[..., Served]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Starts the program with these flags and waits until it is ready; it is killed with the test."""
    monkeypatch.setenv("NO_PROXY", HOST)
    started: list[Served] = []

    def go(*flags: str, **popen: Any) -> Served:
        if not (tmp_path / "tls.crt").exists():
            install(tmp_path, OLD)
        found = Served(tmp_path, start(tmp_path, *flags, **popen))
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
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running
