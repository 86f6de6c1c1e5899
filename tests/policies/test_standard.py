"""Levels and versions, as labels of namespaces spell them."""

import pytest

from policies.standard import FIRST, LATEST, Level, Version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("latest", LATEST),
        ("v1.0", FIRST),
        ("v1.29", Version(1, 29)),
        (str(LATEST), LATEST),
        (f"v1.{LATEST.minor + 1}", LATEST),
        ("v1.999999", LATEST),
    ],
)
def test_versions(text: str, version: Version) -> None:
    assert Version.parse(text) == version
    assert isinstance(Version.parse(text), Version)


@pytest.mark.parametrize(
    "text", ["", "1.29", "v1", "v1.", "v1.029", "v2.0", "v1.29\n", "v1.29.1", "Latest", "v1.\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version") as caught:
        Version.parse(text)
    assert str(caught.value) == f'"{text}" is not a version: write v1.N, as in v1.37, or latest'


def test_levels_contain_each_other() -> None:
    assert Level.PRIVILEGED < Level.BASELINE < Level.RESTRICTED
    assert [str(level) for level in Level] == ["privileged", "baseline", "restricted"]
