"""The targets of fuzzing, without a fuzzer: what they start from passes, and they notice what must not be."""

import json
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from policies import signature
from policies.decision import ALLOWED
from tests.fuzz import words
from tests.fuzz.lines import Lines
from tests.fuzz.targets import TARGETS, admission, manifest, override, policy
from tests.fuzz.targets.target import Target
from tests.fuzz.trees import Trees
from tests.reviews import body, pod, privileged_pod, review
from webhook import review as reviews
from webhook.manifest.edit import Splice

KEPT = Path(__file__).parent / "corpus"
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@every_target
def test_what_fuzzing_has_found_passes(target: Target) -> None:
    files = sorted((KEPT / target.name).iterdir())
    assert files
    for file in files:
        target.take(file.read_bytes())


@every_target
def test_seeds_are_what_the_target_is_about(target: Target) -> None:
    seeds = target.seeds()
    some = seeds[:: max(1, len(seeds) // 40)]
    assert sum(map(target.take, some)) >= 0.9 * len(some)
    assert max(map(len, seeds)) <= target.longest


@every_target
def test_mutations_pass_and_many_are_still_what_the_target_is_about(target: Target) -> None:
    random, mutate, seeds = Random(7), target.mutator(), target.seeds()
    found = [mutate(random.choice(seeds), random, lambda text: text[1:]) for _ in range(60)]
    assert sum(map(target.take, found)) >= 6
    assert len(set(found)) > 50


@every_target
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"null", b"[" * 5_000, b"{}" * 100, b"x: " * 50], ids=str)
def test_any_bytes_pass(target: Target, content: bytes) -> None:
    assert target.take(content) is False


class TestAdmission:
    """What would be a failure."""

    def test_the_dangerous_is_let_through(self) -> None:
        answer = reviews.answer

        def mild(_decision: object, policy: Any, *_: object) -> reviews.Response:
            return answer(ALLOWED, policy)

        with patch("webhook.review.answer", mild), pytest.raises(AssertionError, match="is let through"):
            admission.take(body(review(privileged_pod())))

    @pytest.mark.parametrize(
        "changes",
        [
            {"uid": "another"},
            {"allowed": 1},
            {"status": {"code": 403, "message": "a", "reason": "Forbidden"}},
            {"warnings": ["a" * 257]},
            {"warnings": [""]},
            {"warnings": ["a\x1b[31m"]},
            {"warnings": ["a" * 250] * 9},
            {"auditAnnotations": {"a/b": "c"}},
            {"auditAnnotations": {"a": "c" * 1_025}},
        ],
        ids=str,
    )
    def test_an_answer_is_unsound(self, changes: dict[str, Any]) -> None:
        sound = {"uid": "one", "allowed": True, "warnings": ["a"], "auditAnnotations": {"a": "b"}}
        admission.is_sound(sound, "one")
        with pytest.raises(AssertionError):
            admission.is_sound({**sound, **changes}, "one")

    @pytest.mark.parametrize(
        "status",
        [
            {"code": 200, "reason": "Forbidden", "message": "a"},
            {"code": 422, "reason": "Forbidden", "message": "a"},
            {"code": 403, "reason": "Forbidden", "message": ""},
            {"code": 403, "reason": "Forbidden", "message": "a" * 16_385},
            {"code": 403, "reason": "Forbidden", "message": "a\x00"},
        ],
        ids=str,
    )
    def test_a_denial_is_unsound(self, status: dict[str, Any]) -> None:
        sound = {"uid": "one", "allowed": False, "status": {"code": 403, "reason": "Forbidden", "message": "a\nb"}}
        admission.is_sound(sound, "one")
        with pytest.raises(AssertionError):
            admission.is_sound({**sound, "status": status}, "one")
        with pytest.raises(AssertionError):
            admission.is_sound({**sound, "warnings": ["a"]}, "one")

    def test_what_is_dangerous(self) -> None:
        assert admission.is_dangerous(privileged_pod(), "")
        assert admission.is_dangerous({"spec": {"template": pod(spec={"hostPID": True})}}, "spec.template")
        assert not admission.is_dangerous(pod(), "")
        assert not admission.is_dangerous(privileged_pod(), None)


class TestOverride:
    def test_signatures_that_anybody_makes(self) -> None:
        case = json.loads(override.seeds()[0])
        case["review"]["request"]["object"]["metadata"]["name"] = "moved"
        moved = json.dumps(case).encode()
        assert override.take(moved) is True
        with (
            patch.object(signature, "_made", lambda *_: True),
            pytest.raises(AssertionError, match="nobody granted it"),
        ):
            override.take(moved)

    def test_a_right_that_nobody_has(self) -> None:
        case = next(each for each in map(json.loads, override.seeds()) if each["may"])
        nobody = json.dumps({**case, "may": []}).encode()
        assert override.take(nobody) is True
        with (
            patch.object(override._Replies, "get", lambda *_: True),
            pytest.raises(AssertionError, match="nobody granted it"),
        ):
            override.take(nobody)


class TestManifest:
    def test_an_edit_that_changes_something_else(self) -> None:
        content = next(each for each in manifest.seeds() if edits(each))
        with (
            patch("tests.fuzz.targets.manifest.splices", lambda *_: [Splice(0, 0, "a: b\n---\n")]),
            pytest.raises(AssertionError, match="changes something else"),
        ):
            manifest.is_edited(content)

    def test_json_that_is_read_as_something_else(self) -> None:
        with (
            patch("webhook.manifest.json_text._strict.raw_decode", lambda text, _: ({"a": "c"}, len(text))),
            pytest.raises(AssertionError, match="JSON is read as something else"),
        ):
            manifest.take(b'{"a": "b"}')


def edits(content: bytes) -> bool:
    with patch("tests.fuzz.targets.manifest.splices", side_effect=KeyError):
        try:
            manifest.is_edited(content)
        except KeyError:
            return True
    return False


def test_a_policy_that_depends_on_how_it_is_written() -> None:
    hashes = iter(["one", "two"])
    with (
        patch("policies.config._hash", lambda _: next(hashes)),
        pytest.raises(AssertionError, match="is another one"),
    ):
        policy.take(policy.seeds()[0])


class TestMutations:
    def test_a_tree_is_changed_and_stays_one(self) -> None:
        seeds = [b'{"a": {"b": [1, 2]}, "c": "d"}']
        mutate, random = Trees(seeds).mutate, Random(1)
        found = {mutate(seeds[0], random, lambda _: b"text") for _ in range(200)} - {b"text"}
        assert len(found) > 100
        assert all(isinstance(json.loads(each), dict) for each in found)

    def test_what_is_no_json_is_mutated_as_text(self) -> None:
        assert {Trees([b"{}"]).mutate(b"{", Random(seed), lambda _: b"text") for seed in range(20)} == {b"text"}

    def test_lines_are_changed(self) -> None:
        seeds = [b"a: b\nc:\n- d\n"]
        mutate, random = Lines(seeds).mutate, Random(1)
        found = {mutate(seeds[0], random, lambda _: b"text") for _ in range(200)}
        assert len(found) > 100

    def test_the_same_seed_makes_the_same(self) -> None:
        mutate, seed = TARGETS["admission"].mutator(), body(review(pod()))
        assert mutate(seed, Random(3), bytes) == mutate(seed, Random(3), bytes)


def test_the_dictionary_holds_what_is_read() -> None:
    lines = words.dictionary().splitlines()
    assert {'"hostPID"', '"securityContext"', '"podgate.dev/override"', '"privileged"', '"CronJob"'} <= set(lines)
    assert len(lines) == len(set(lines)) > 300
