"""Files with every fix made that holds, and the rest of them as it was."""

from collections.abc import Iterator
from typing import Any

import pytest

from policies import registry
from policies.engine import Engine, Finding
from policies.path import Path
from policies.pod import Pod
from policies.resource import Resource
from policies.rule import Drop, Edit, Put, Rule, Severity, Violation, rule
from policies.standard import LATEST, Level, Standard
from webhook import mend
from webhook.manifest import File, Manifest

STANDARD = Standard(Level.BASELINE, LATEST)


def _off(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, False)


def _gone(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Drop(path)


def made(function: Any, fix: Any) -> Rule:
    return rule(title="A rule", severity=Severity.LOW, remediation="Do it.", fix=fix)(function)


def host_pid(pod: Pod) -> Iterator[Violation]:
    """It is set."""
    if pod.spec.host_pid is not False:
        yield Violation(pod.at("hostPID"), "is not false")


def host_users(pod: Pod) -> Iterator[Violation]:
    """It is set."""
    if pod.spec.host_users is not None:
        yield Violation(pod.at("hostUsers"), "is set")


def host_ipc(pod: Pod) -> Iterator[Violation]:
    """The other way round."""
    if pod.spec.host_pid is False:
        yield Violation(pod.at("hostIPC"), "is not set though hostPID is false")


PID, USERS, IPC = made(host_pid, _off), made(host_users, _gone), made(host_ipc, None)


def everything(engine: Engine) -> mend.Wanted:
    def wanted(_found: Manifest, resource: Resource) -> list[Finding]:
        return list(engine.evaluate(resource).findings)

    return wanted


def mended(text: str, *rules: Rule) -> tuple[str, int]:
    engine = Engine(rules, STANDARD)
    found = mend.mend(File("a.yaml", text.encode()), engine, everything(engine))
    return found.content.decode(), found.count


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"


def test_what_is_fixed_leaves_the_rest_as_it_was() -> None:
    text = f"# first\n{POD}  hostUsers: true # why\n  # kept\n  containers: []\n"
    assert mended(text, PID, USERS) == (f"# first\n{POD}  # kept\n  containers: []\n  hostPID: false\n", 2)


def test_every_document_and_every_item_of_a_list_is_fixed() -> None:
    one = f"{POD}  hostUsers: true\n  os: null\n"
    items = 'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, spec: {hostUsers: true, x: "1"}}]\n'
    text, count = mended(f"{one}---\n{items}---\nnot: an object\n", USERS)
    assert count == 2
    assert text == f"{POD}  os: null\n---\n{items.replace('hostUsers: true, ', '')}---\nnot: an object\n"


def test_json_stays_json() -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "spec": {"hostUsers": true, "os": null}}'
    assert mended(text, USERS) == (text.replace('"hostUsers": true, ', ""), 1)


def test_a_fix_that_brings_another_finding_is_not_made() -> None:
    text = f"{POD}  hostPID: true\n"
    assert mended(text, PID, IPC) == (text, 0)
    assert mended(f"{POD}  hostUsers: true\n  os: null\n", PID, USERS, IPC) == (f"{POD}  os: null\n", 1)


def test_what_the_text_does_not_allow_is_left() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, spec: &one {hostUsers: true, os: null}}\n"
        "- {apiVersion: v1, kind: Pod, spec: *one}\n- {apiVersion: v1, kind: Pod, spec: {hostUsers: false, os: null}}\n"
    )
    assert mended(text, USERS) == (text.replace("hostUsers: false, ", ""), 1)


@pytest.mark.parametrize("text", ["a: [", "", "just text", f"{POD}  hostUsers: 7\n", "kind: Pod\n"])
def test_what_cannot_be_judged_stays_as_it_is(text: str) -> None:
    assert mended(text, USERS) == (text, 0)


def test_nothing_to_fix() -> None:
    text = f"{POD}  os: null\n"
    assert mended(text, USERS, registry.by_name()["host-path"]) == (text, 0)
