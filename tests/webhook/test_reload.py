"""The policy follows its file: swapped when it is valid, kept when the new one is not, and said once."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from certs.signing import SigningKey
from policies import config, signature
from policies.config import Mode, PolicyError
from policies.risk import classifier
from policies.risk.classifier import Classifier, ModelError
from webhook import reload
from webhook.app import Gate
from webhook.metrics import Metrics
from webhook.model import load_model
from webhook.reload import PolicyWatch, load_policy

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nmetadata: {name: mine}\nspec: "


class Tried:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("{profile: pss-baseline}")
        self.gate = Gate(load_policy(path))
        self.metrics = Metrics()
        self.watch = PolicyWatch(path, self.gate, self.metrics, "1")

    def write(self, spec: str) -> None:
        new = self.path.with_name("new")
        new.write_text(HEAD + spec)
        new.replace(self.path)

    def look(self) -> None:
        """Look until the files have settled."""
        self.watch.check()
        self.watch.check()

    def counted(self, result: str) -> float | None:
        labels = {"what": "policy", "result": result}
        return self.metrics.registry.get_sample_value("podgate_reloads_total", labels)


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    return Tried(tmp_path / "policy.yaml")


def test_without_a_file_the_recommended_profile_is_in_force() -> None:
    assert load_policy(None).profile == "recommended"


def test_a_valid_change_is_put_into_force(tried: Tried) -> None:
    before = tried.gate.policy.hash
    tried.write("{profile: pss-baseline, mode: audit}")
    tried.look()

    assert tried.gate.policy.mode is Mode.AUDIT
    assert tried.gate.policy.hash != before
    assert tried.counted("ok") == 1
    assert b'policy="mine@' in tried.metrics.render()


def test_half_a_policy_is_not_put_into_force_while_the_rest_is_written(tried: Tried) -> None:
    half = HEAD + "\n  profile: pss-restricted\n"
    whole = half + "  rules:\n    image-tag-latest: {action: deny}\n"
    before = tried.gate.policy
    assert len({config.parse(half).hash, config.parse(whole).hash, before.hash}) == 3  # half of it is one, too
    for end in (len(half), len(whole) - 1):
        tried.path.write_text(whole[:end])
        tried.watch.check()
        assert tried.gate.policy is before
    tried.path.write_text(whole)
    tried.look()

    assert tried.gate.policy.hash == config.parse(whole).hash
    assert (tried.counted("ok"), tried.counted("failed")) == (1, 0)


def test_nothing_happens_while_nothing_changes(tried: Tried) -> None:
    before = tried.gate.policy
    tried.look()
    tried.write("{profile: pss-baseline}")
    tried.look()

    assert tried.gate.policy is before
    assert (tried.counted("ok"), tried.counted("failed")) == (0, 0)


@pytest.mark.parametrize("spec", ["{profile: none}", "{mode: loud}", "[", "{unknown: 1}", "\x00"], ids=ascii)
def test_an_invalid_change_keeps_the_old_one_and_is_said_once(
    tried: Tried, spec: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = tried.gate.policy
    tried.write(spec)
    for _ in range(3):
        tried.look()

    assert tried.gate.policy is before
    assert tried.counted("failed") == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert str(tried.path) in caplog.records[0].__dict__["fields"]["problem"]


def test_a_file_that_goes_and_comes_back(tried: Tried) -> None:
    tried.path.unlink()
    tried.look()
    tried.write("{profile: pss-restricted}")
    tried.look()

    assert tried.gate.policy.profile == "pss-restricted"
    assert (tried.counted("ok"), tried.counted("failed")) == (1, 1)


def test_what_cannot_be_used_is_noted_until_it_can(tried: Tried) -> None:
    before = tried.watch.note()
    tried.write("[")
    tried.look()
    broken = tried.watch.note()
    tried.write("{profile: pss-baseline}")
    tried.look()

    assert broken.startswith("the files as they are now cannot be used: ")
    assert (before, tried.watch.note()) == ("", "")


def test_who_asks_for_a_reload_gets_an_answer_every_time(tried: Tried) -> None:
    tried.watch.check(force=True)
    tried.write("[")
    tried.watch.check(force=True)
    tried.watch.check(force=True)

    assert (tried.counted("ok"), tried.counted("failed")) == (1, 2)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"\xff\xfe", "is not text in UTF-8"), (b"a" * 1_100_000, "larger than"), (b"a: [", "is not YAML")],
    ids=["not-text", "large", "not-yaml"],
)
def test_a_file_that_is_no_policy_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "policy.yaml").write_bytes(content)
    with pytest.raises(PolicyError, match=rf"policy\.yaml.*{problem}"):
        load_policy(tmp_path / "policy.yaml")


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"policy\.yaml cannot be read: no such file or directory"):
        load_policy(tmp_path / "policy.yaml")


class Broken:
    def check(self, *, force: bool = False) -> None:
        raise ZeroDivisionError(force)


class Counting:
    """Says when it was looked at three times."""

    def __init__(self) -> None:
        self.checks = 0
        self.enough = asyncio.Event()

    def check(self, *, force: bool = False) -> None:
        assert not force
        self.checks += 1
        if self.checks == 3:
            self.enough.set()


def test_a_watch_that_breaks_does_not_keep_others_from_being_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> int:
        counting = Counting()
        task = asyncio.create_task(reload.watch([Broken(), counting], 0.01))
        await asyncio.wait_for(counting.enough.wait(), 5)
        task.cancel()
        return counting.checks

    assert asyncio.run(play()) == len(caplog.records) == 3


def _other_model(path: Path) -> str:
    """Write a model that knows nothing."""
    shipped = classifier.shipped().model
    tables = {name: (0.0,) * len(table) for name, table in shipped.tables.items()}
    model = classifier.sealed(replace(shipped, version="nothing", tables=tables, pairs=()))
    path.write_bytes(msgspec.json.encode(model))
    return Classifier(model).name


class TestModel:
    @pytest.fixture
    def tried(self, tmp_path: Path) -> Tried:
        found = Tried(tmp_path / "policy.yaml")
        found.watch = PolicyWatch(found.path, found.gate, found.metrics, "1", tmp_path / "model.json")
        return found

    def counted(self, tried: Tried, result: str) -> float | None:
        labels = {"what": "model", "result": result}
        return tried.metrics.registry.get_sample_value("podgate_reloads_total", labels)

    def test_a_valid_model_is_put_into_force_with_the_policy(self, tried: Tried) -> None:
        name = _other_model(tried.path.with_name("model.json"))
        tried.look()

        assert (tried.gate.policy.model, tried.gate.policy.profile) == (name, "pss-baseline")
        assert self.counted(tried, "ok") == 1
        assert f'model="{name}"'.encode() in tried.metrics.render()

    def test_a_model_that_does_not_verify_is_said_once_and_the_old_one_kept(
        self, tried: Tried, caplog: pytest.LogCaptureFixture
    ) -> None:
        before, file = tried.gate.policy.model, tried.path.with_name("model.json")
        _other_model(file)
        file.write_bytes(file.read_bytes().replace(b"nothing", b"changed"))
        tried.look()
        tried.look()

        assert tried.gate.policy.model == before
        assert self.counted(tried, "failed") == 1
        [record] = caplog.records
        assert record.message == "the new model cannot be used; the old one still is"
        assert "checksum is not that of its content" in record.fields["problem"]  # type: ignore[attr-defined]

    def test_a_model_that_nobody_vouches_for_is_said_and_what_was_in_force_kept(
        self, tried: Tried, caplog: pytest.LogCaptureFixture
    ) -> None:
        before, file = tried.gate.policy, tried.path.with_name("model.json")
        key = SigningKey.create()
        keys = f"{{keys: [{{id: team, publicKey: {key.public}}}]}}"
        tried.write(f"{{profile: pss-baseline, mode: audit, classifier: {keys}}}")
        name = _other_model(file)
        tried.look()
        kept, complaints = tried.gate.policy, [record.__dict__["fields"]["problem"] for record in caplog.records]
        model = load_model(file).model
        signed = signature.annotation("team", key.sign(signature.model_statement(model)))
        file.write_bytes(msgspec.json.encode(replace(model, signature=signed)))
        tried.look()

        assert kept is before
        [problem] = complaints
        assert problem.startswith(f"the model {name} is signed by nobody; the policy takes models that are signed with")
        assert (self.counted(tried, "failed"), self.counted(tried, "ok")) == (1, 1)
        assert (tried.gate.policy.model, tried.gate.policy.mode) == (name, Mode.AUDIT)

    def test_a_new_policy_keeps_the_model(self, tried: Tried) -> None:
        name = _other_model(tried.path.with_name("model.json"))
        tried.look()
        tried.write("{profile: pss-baseline, mode: audit}")
        tried.look()

        assert (tried.gate.policy.model, tried.gate.policy.mode) == (name, Mode.AUDIT)

    def test_a_model_needs_no_policy(self, tmp_path: Path) -> None:
        name = _other_model(tmp_path / "model.json")
        gate, metrics = Gate(load_policy(None)), Metrics()
        watch = PolicyWatch(None, gate, metrics, "1", tmp_path / "model.json")
        watch.check()
        watch.check()

        assert (gate.policy.model, gate.policy.profile) == (name, "recommended")

    def test_what_is_no_model(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("{")
        for path, said in (("text", "text: the model cannot be read"), ("", "is not a file"), ("no", "no such file")):
            with pytest.raises(ModelError, match=said):
                load_model(tmp_path / path)
