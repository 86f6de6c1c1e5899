"""The program, started by a test and sure to be ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.webhook.apiserver import ApiServer, api_server
from tests.webhook.serving import HOST
from tests.webhook.test_serve import Served, beginning

Begin = Callable[..., Served]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Starts the program with these flags and waits until it is ready; it is killed with the test."""
    monkeypatch.setenv("NO_PROXY", HOST)
    with beginning(tmp_path) as go:
        yield go


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running
