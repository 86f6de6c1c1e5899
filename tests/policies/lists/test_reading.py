"""How the files of lists are read."""

import pytest
import yaml

from policies.lists import _plain


def test_everything_stays_text() -> None:
    text = "{title: 1.20, updated: 2026-01-01, entries: [{a: yes, b: ~}, [0755], []], empty: {}}"
    entries = [{"a": "yes", "b": "~"}, ["0755"], []]
    assert _plain(text) == {"title": "1.20", "updated": "2026-01-01", "entries": entries, "empty": {}}
    assert _plain(text) == yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - the slow way to the same


def test_repetition_by_reference_is_no_part_of_a_list() -> None:
    with pytest.raises(ValueError, match="a list has no AliasEvent"):
        _plain("{title: &name a, other: *name}")
