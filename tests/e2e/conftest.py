"""The fixture that the end-to-end tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .cluster import Cluster, find_assets


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start one control plane for the whole test run.

    Without its programs the tests are skipped; with PODGATE_E2E_REQUIRED=1 they fail instead, so
    that a run which is there to prove something cannot pass by proving nothing.
    """
    assets, reason = find_assets()
    if assets is None:
        if os.environ.get("PODGATE_E2E_REQUIRED") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with Cluster(assets) as running:
        yield running
