"""What is remembered is bounded: no cache holds more than it says, whoever chooses what is asked."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import argv, command, config, credential_name, host_path, image, lists, quantity, requirements, secret
from policies.image import Image
from policies.lists.cve_images import CveImages
from policies.lists.end_of_life import EndOfLife
from policies.lists.image_roles import ImageRoles
from policies.lists.publishers import Publishers
from policies.lists.well_known_images import WellKnownImages
from policies.namespace import Declared, declared
from policies.rules.resource import resource_range
from webhook import deadline, lines, metrics, review
from webhook.manifest import edit, plain

ROOT = Path(__file__).parent.parent
SCOPES = config.of_profile("pss-baseline").scopes


def text(number: int) -> str:
    return f"registry.example.com/team/app-{number}"


def picture(number: int) -> Image:
    return Image("registry.example.com", f"team/app-{number}", "1", "")


def line(number: int) -> command._Asked:
    return command._Asked((f"app-{number}",), (), frozenset(), 100, "command")


def levels(number: int) -> Declared:
    """What a namespace's labels may say."""
    prefix = "pod-security.kubernetes.io"
    versions = {f"{prefix}/enforce-version": f"v1.{number % 30}", f"{prefix}/warn-version": f"v1.{number // 30}"}
    return declared({f"{prefix}/enforce": "baseline", f"{prefix}/warn": "baseline", **versions})


# Where the cache is: the cache, how many it holds, and what is asked.
CACHES: dict[str, list[tuple[Any, int, Callable[[int], tuple[Any, ...]]]]] = {
    "policies/argv.py": [(argv._name, 1_024, lambda number: (text(number),))],
    "policies/command.py": [(command._read_again, 1_024, lambda number: (line(number),))],
    "policies/credential_name.py": [(credential_name._asks, 4_096, lambda number: (text(number),))],
    "policies/host_path.py": [(host_path._remembered, 4_096, lambda number: (f"/srv/{number}",))],
    "policies/image.py": [(image._parse, 4_096, lambda number: (text(number),))],
    "policies/lists/cve_images.py": [(lists.load(CveImages).find, 4_096, lambda number: (picture(number),))],
    "policies/lists/end_of_life.py": [(lists.load(EndOfLife).find, 4_096, lambda number: (picture(number),))],
    "policies/lists/image_roles.py": [
        (lists.load(ImageRoles)._cached_role, 4_096, lambda number: (text(number),)),
        (lists.load(ImageRoles)._cached_word, 4_096, lambda number: (text(number),)),
    ],
    "policies/lists/publishers.py": [(lists.load(Publishers).find, 4_096, lambda number: (text(number),))],
    "policies/lists/well_known_images.py": [
        (lists.load(WellKnownImages).find, 4_096, lambda number: (picture(number),))
    ],
    "policies/quantity.py": [(quantity.parse, 4_096, lambda number: (f"{number}Mi",))],
    "policies/requirements.py": [(requirements._known_flaw, 4_096, lambda number: (f"{number}Mi",))],
    "policies/rules/resource/resource_range.py": [
        (resource_range._known_problem, 4_096, lambda number: (True, f"{number}Mi", None, None))
    ],
    "policies/scope.py": [(SCOPES._made, 512, lambda number: (-1, levels(number)))],
    "policies/secret.py": [
        (secret._known, 4_096, lambda number: ("DB_HOST", text(number))),
        (secret._known_in_line, 1_024, lambda number: ((text(number),),)),
    ],
    "webhook/deadline.py": [(deadline.timeout, 64, lambda number: (f"timeout={number}s".encode(),))],
    "webhook/lines.py": [(lines._moment, 8, lambda number: (number,))],
    "webhook/manifest/edit/__init__.py": [
        (edit._layout, 1, lambda number: (f"a: {number}\n", None)),
        (edit._read_before, 1, lambda number: (f"a: {number}\n",)),
    ],
    "webhook/manifest/plain.py": [(plain._short, 4_096, lambda number: (text(number),))],
    "webhook/metrics.py": [(metrics._known_label, 256, lambda number: ("example.com", f"Kind{number}"))],
    "webhook/review.py": [(review._all_is_well, 8, lambda _: (config.of_profile("pss-baseline"),))],
}


def test_every_cache_is_here() -> None:
    """`@cache`, which has no end, is only for what the program itself asks: rules, lists, rows of kinds."""
    found = {}
    for folder in ("policies", "webhook", "certs"):
        for file in (ROOT / folder).rglob("*.py"):
            if many := len(re.findall(r"\blru_cache\(", file.read_text("utf-8"))):
                found[str(file.relative_to(ROOT))] = many
    assert found == {place: len(caches) for place, caches in CACHES.items()}


@pytest.mark.parametrize(
    ("cached", "most", "asked"),
    [
        pytest.param(*each, id=f"{place}-{position}")
        for place, caches in CACHES.items()
        for position, each in enumerate(caches)
    ],
)
def test_at_the_limit_all_are_held_and_one_more_costs_one(
    cached: Any, most: int, asked: Callable[[int], tuple[Any, ...]]
) -> None:
    cached.cache_clear()
    for number in range(most):
        cached(*asked(number))
    assert cached.cache_info().currsize == most
    cached(*asked(most))
    assert cached.cache_info().currsize == most
    assert cached.cache_info().hits == 0
