"""`podgate model`: a model is signed and verified, and what cannot be done is said in words."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certs.signing import SigningKey
from policies import signature
from policies.risk.classifier import Classifier
from tests.policies.risk import models
from webhook import cli
from webhook.model import as_file, load_model

MODEL = models.model()
NAME = Classifier(MODEL).name
HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: b:1}]}\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.group, arguments)


def keys(name: str) -> SigningKey:
    return SigningKey.read(Path(f"{name}.key"))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two keys, and a model."""
    monkeypatch.chdir(tmp_path)
    for name in ("team", "other"):
        SigningKey.create().write(Path(f"{name}.key"))
        Path(f"{name}.pub").write_text(keys(name).public)
    Path("model.json").write_bytes(as_file(MODEL))
    Path("web.yaml").write_text(POD)


def fingerprint(file: str = "model.json") -> str:
    return signature.fingerprint(load_model(Path(file)).model.signature)


class TestSign:
    def test_puts_the_signature_into_the_file_and_says_what_the_policy_needs(self) -> None:
        made = run("model", "sign", "model.json", "--key", "team.key")

        assert (made.exit_code, made.stderr) == (
            0,
            f"model.json: the model {NAME} is signed with team, {fingerprint()}\n",
        )
        public = keys("team").public
        assert made.stdout == f'spec:\n  classifier:\n    keys:\n    - id: "team"\n      publicKey: {public}\n'
        assert load_model(Path("model.json")).name == NAME

    def test_the_policy_that_it_prints_takes_the_model_and_no_other(self) -> None:
        before = Path("model.json").read_bytes()
        made = run("model", "sign", "model.json", "--key", "team.key", "-o", "signed.json")
        Path("policy.yaml").write_text(HEAD + made.stdout)
        with_policy = ("check", "web.yaml", "--policy", "policy.yaml", "-o", "json")

        assert Path("model.json").read_bytes() == before
        assert json.loads(run(*with_policy, "--model", "signed.json").stdout)["model"]["version"] == "test"
        refused = run(*with_policy, "--model", "model.json")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr.startswith(f"Error: the model {NAME} is signed by nobody; the policy takes models")
        assert run(*with_policy).exit_code == 0

    def test_signing_anew_replaces_the_signature(self) -> None:
        run("model", "sign", "model.json", "--key", "team.key")
        again = run("model", "sign", "model.json", "--key", "other.key", "--name", "ops-2026")
        assert again.stderr == f"model.json: the model {NAME} is signed with ops-2026, {fingerprint()}\n"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere.json", "--key", "team.key"], "nowhere.json cannot be read: no such file"),
            (["web.yaml", "--key", "team.key"], "web.yaml: the model cannot be read"),
            (["model.json", "--key", "nowhere.key"], "nowhere.key cannot be read"),
            (["model.json", "--key", "team.pub"], "team.pub can be read or written by others than its owner"),
            (["model.json", "--key", "team.key", "--name", "a b"], '"a b" is not the id of a key'),
            (["model.json", "--key", "team.key", "-o", "nowhere/m"], "nowhere/m cannot be written: No such file"),
        ],
    )
    def test_what_cannot_be_signed(self, arguments: list[str], said: str) -> None:
        before = Path("model.json").read_bytes()
        found = run("model", "sign", *arguments)
        assert (found.exit_code, said in found.stderr) == (2, True), found.stderr
        assert Path("model.json").read_bytes() == before


class TestVerify:
    @pytest.fixture(autouse=True)
    def _signed(self) -> None:
        made = run("model", "sign", "model.json", "--key", "team.key")
        Path("policy.yaml").write_text(HEAD + made.stdout)
        Path("revoked.yaml").write_text(f"{HEAD}{made.stdout}    revoked: [{fingerprint()}]\n")
        Path("none.yaml").write_text(HEAD)

    @pytest.mark.parametrize("whose", [["--policy", "policy.yaml"], ["--public-key", "team.pub"]], ids=str)
    def test_good(self, whose: list[str]) -> None:
        found = run("model", "verify", "model.json", *whose)
        assert found.exit_code == 0
        assert found.stdout == f"model.json: the model {NAME}: good, signed with team\n  {fingerprint()}\n"

    @pytest.mark.parametrize(
        ("whose", "said"),
        [
            (
                ["--public-key", "other.pub"],
                "it does not have the signature of team: it, or its signature, was changed",
            ),
            (["--policy", "revoked.yaml"], "it is signed, but this signature is revoked"),
        ],
    )
    def test_not_good(self, whose: list[str], said: str) -> None:
        found = run("model", "verify", "model.json", *whose)
        assert found.exit_code == 1
        assert found.stdout.startswith(f"model.json: the model {NAME}: not good: {said}")

    def test_not_signed(self) -> None:
        Path("model.json").write_bytes(as_file(MODEL))
        found = run("model", "verify", "model.json", "--public-key", "team.pub")
        assert (found.exit_code, found.stdout) == (
            1,
            f"model.json: the model {NAME}: not good: it is signed by nobody\n",
        )

    def test_a_byte_that_was_changed(self) -> None:
        content = Path("model.json").read_bytes()
        Path("model.json").write_bytes(content.replace(b'"intercept": -5.0', b'"intercept": -6.0'))
        found = run("model", "verify", "model.json", "--policy", "policy.yaml")
        assert found.exit_code == 2
        assert "checksum is not that of its content" in found.stderr

    @pytest.mark.parametrize(
        ("whose", "said"),
        [
            ([], "say whose signature counts: --policy with spec.classifier.keys, or --public-key"),
            (["--policy", "none.yaml"], "none.yaml has no spec.classifier.keys: it takes every model"),
            (["--policy", "web.yaml"], "web.yaml:"),
            (["--public-key", "nowhere.pub"], "nowhere.pub cannot be read"),
            (["--public-key", "web.yaml"], "web.yaml: the-key is not an Ed25519 key"),
        ],
    )
    def test_whose_signature(self, whose: list[str], said: str) -> None:
        found = run("model", "verify", "model.json", *whose)
        assert (found.exit_code, said in found.stderr) == (2, True), found.stderr
