"""Entries of allow and deny lists are read whole, or refused with what to write instead."""

import pytest

from policies import image
from policies.registries import Place, Places, place


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("registry.example.com", Place("registry.example.com", ())),
        ("Registry.Example.com:443/", Place("registry.example.com", ())),
        ("registry.example.com:5000/team/web", Place("registry.example.com:5000", ("team", "web"))),
        ("index.docker.io/library", Place("docker.io", ("library",))),
        ("*.example.com/team", Place("*.example.com", ("team",))),
        ("localhost", Place("localhost", ())),
        ("[::1]:5000/team", Place("[::1]:5000", ("team",))),
    ],
)
def test_entries_are_read(written: str, meant: Place) -> None:
    assert place(written) == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("bitnami", "names no registry: write docker.io/bitnami"),
        ("bitnami/redis", "names no registry: write docker.io/bitnami/redis"),
        ("", "an empty entry names no registry"),
        ("*", "names no registry"),
        ("https://registry.example.com/team", "has a scheme: write registry.example.com/team"),
        ("registry.example.com/Team", "is no registry or repository"),
        ("registry.example.com/team/web:1.0", "is no registry or repository"),
        ("registry.example.com/team/*", "is no registry or repository"),
        ("eu.*.example.com", "is no registry or repository"),
        ("*.*.example.com", "is no registry or repository"),
        ("registry.example.com//team", "is no registry or repository"),
        ("registry.example.com:port", "is no registry or repository"),
        (" registry.example.com", "is no registry or repository"),
    ],
)
def test_what_is_no_entry_is_refused(written: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="(?i)" + complaint.replace("*", r"\*")):
        place(written)


@pytest.mark.parametrize(
    ("reference", "held"),
    [
        ("eu.example.com/web", True),
        ("eu.example.com:443/web", True),
        ("eu.example.com:5000/web", False),
        ("example.com/web", False),
        ("quay.io/team/web", True),
        ("quay.io/team", True),
        ("quay.io/teams/web", False),
        ("nginx", False),
    ],
)
def test_whole_segments_count(reference: str, held: bool) -> None:
    found = image.parse(reference)
    assert found is not None
    assert Places(["*.example.com", "quay.io/team", "quay.io/other"]).hold(found) is held


def test_an_empty_list_holds_nothing() -> None:
    found = image.parse("nginx")
    assert found is not None
    assert not Places([])
    assert not Places([]).hold(found)
    assert not Places(["quay.io"]).hold(found)
