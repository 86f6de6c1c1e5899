"""`podgate override`: keys are made, overrides signed and verified, and what cannot be done is said in words."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from certs.signing import SigningKey
from policies import config, signature
from policies.profile import Action
from webhook import cli
from webhook.admission import Admitted, admit

ANNOTATION = re.compile(r"team:[A-Za-z0-9_-]{86}")
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
SOON = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%dT00:00:00Z}"
AGENT = """\
# Ships the logs of the node.
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: logging
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
      - name: agent
        image: registry.example.com/agent:1.4 # pinned
        volumeMounts:
        - {name: logs, mountPath: /logs}
      volumes:
      - name: logs
        hostPath: {path: /var/log}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: debug}\nspec: {hostPID: true, containers: [{name: a, image: b:1}]}\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: logging}\n"
COVERS = """\
  host-path: spec.template.spec.volumes[0].hostPath mounts /var/log of the host (volume "logs")
  host-path-writable: spec.template.spec.containers[0].volumeMounts[0].readOnly is not true, so that /var/log of the \
host can be written (container "agent")
"""


def run(*arguments: str | Path, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.group, ["override", *map(str, arguments)], input=given)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a key, a policy that knows it, and manifests."""
    monkeypatch.chdir(tmp_path)
    made = run("keygen", "-o", "team.key")
    policy = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n" + made.stdout
    for name, text in {"policy": policy, "agent": AGENT, "pod": POD, "both": f"{CONFIG_MAP}---\n{AGENT}"}.items():
        Path(f"{name}.yaml").write_text(text)
    Path("team.pub").write_text(SigningKey.read(Path("team.key")).public)


def sign(file: str = "agent.yaml", *more: str, given: str | None = None, **changes: str) -> Result:
    asked = {"rules": "host-path,host-path-writable", "reason": "reads the node's logs", "expires": SOON, **changes}
    options = [part for key, value in asked.items() for part in (f"--{key}", value)]
    return run("sign", file, "--key", "team.key", *options, *more, given=given)


def hidden(text: str) -> str:
    """The same with every signature and fingerprint made short."""
    return FINGERPRINT.sub("FINGERPRINT", ANNOTATION.sub("team:SIGNATURE", text))


class TestKeygen:
    def test_makes_a_key_and_says_what_the_policy_needs(self) -> None:
        made = run("keygen", "-o", "ops.key", "--id", "ops-2026")
        public = SigningKey.read(Path("ops.key")).public

        assert made.exit_code == 0
        assert made.stdout == (
            "spec:\n  overrides:\n    authorise: [signature]\n    keys:\n"
            f'    - id: "ops-2026"\n      publicKey: {public}\n'
        )
        assert made.stderr == ("ops.key is the private key: whoever has it can sign. Keep it out of the cluster.\n")
        assert stat.S_IMODE(Path("ops.key").stat().st_mode) == 0o600

    def test_the_policy_takes_it(self) -> None:
        keys = config.parse(Path("policy.yaml").read_text()).keys
        assert keys is not None
        assert list(keys.known) == ["team"]

    def test_never_shows_the_private_key(self) -> None:
        made = run("keygen", "-o", "ops.key")
        secret = Path("ops.key").read_text().splitlines()[1]
        assert secret not in made.output

    def test_replaces_nothing_unless_it_is_told_to(self) -> None:
        before = Path("team.key").read_bytes()
        refused = run("keygen", "-o", "team.key")
        assert refused.exit_code == 2
        assert "team.key is there already; --force replaces it, and what it has signed stays signed" in refused.output
        assert Path("team.key").read_bytes() == before
        assert run("keygen", "-o", "team.key", "--force").exit_code == 0
        assert Path("team.key").read_bytes() != before

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-o", "no/such/folder/a.key"], "no/such/folder/a.key cannot be written: No such file or directory"),
            (["-o", "ops.key", "--id", "a:b"], '"a:b" is not the id of a key'),
            (["-o", "my key"], '"my key" is not the id of a key'),
        ],
    )
    def test_what_cannot_be_is_told(self, arguments: list[str], said: str) -> None:
        made = run("keygen", *arguments)
        assert (made.exit_code, said in made.output) == (2, True)


class TestSign:
    def test_prints_annotations_to_paste_and_says_what_they_lift(self) -> None:
        made = sign("agent.yaml", "--ticket", "OPS-7")

        assert made.exit_code == 0
        assert hidden(made.stdout) == (
            "metadata:\n"
            "  annotations:\n"
            '    podgate.dev/override: "host-path,host-path-writable"\n'
            '    podgate.dev/override-reason: "reads the node\'s logs"\n'
            f'    podgate.dev/override-expires: "{SOON}"\n'
            '    podgate.dev/override-ticket: "OPS-7"\n'
            '    podgate.dev/override-signature: "team:SIGNATURE"\n'
        )
        told = f"daemonset.apps/agent (namespace logging): until {SOON} this lifts 2 findings:\n"
        assert made.stderr == told + COVERS

    def test_writes_the_whole_manifest_and_keeps_the_rest(self) -> None:
        made = sign("agent.yaml", "--write")
        added = (
            "  annotations:\n"
            "    podgate.dev/override: host-path,host-path-writable\n"
            "    podgate.dev/override-reason: reads the node's logs\n"
            f'    podgate.dev/override-expires: "{SOON}"\n'
            "    podgate.dev/override-signature: team:SIGNATURE\n"
        )
        assert hidden(made.stdout) == AGENT.replace("  namespace: logging\n", f"  namespace: logging\n{added}")

    def test_what_is_written_is_good(self) -> None:
        Path("signed.yaml").write_text(sign("agent.yaml", "--write").stdout)
        assert run("verify", "signed.yaml", "--policy", "policy.yaml").exit_code == 0

    def test_signs_anew_over_an_old_one(self) -> None:
        Path("old.yaml").write_text(sign("agent.yaml", "--write", "--ticket", "OPS-7").stdout)
        Path("new.yaml").write_text(sign("old.yaml", "--write", rules="host-path").stdout)
        annotations = yaml.safe_load(Path("new.yaml").read_text())["metadata"]["annotations"]

        assert annotations["podgate.dev/override"] == "host-path"
        assert "podgate.dev/override-ticket" not in annotations
        assert run("verify", "new.yaml", "--policy", "policy.yaml").exit_code == 0

    def test_json(self) -> None:
        made = json.loads(sign("agent.yaml", "-o", "json").stdout)
        text = made["annotations"].pop("podgate.dev/override-signature")

        assert ANNOTATION.fullmatch(text)
        assert made.pop("fingerprint") == signature.fingerprint(text)
        assert [each["rule"] for each in made.pop("covers")] == ["host-path", "host-path-writable"]
        assert made == {
            "object": {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "logging", "name": "agent"},
            "key": "team",
            "expires": SOON,
            "annotations": {
                "podgate.dev/override": "host-path,host-path-writable",
                "podgate.dev/override-reason": "reads the node's logs",
                "podgate.dev/override-expires": SOON,
            },
        }

    def test_days_count_from_now(self) -> None:
        made = json.loads(sign("agent.yaml", "-o", "json", expires="3d").stdout)
        ends = datetime.fromisoformat(made["expires"]) - datetime.now(UTC)
        assert timedelta(days=2, hours=23) < ends < timedelta(days=3)

    def test_the_key_is_called_as_the_policy_calls_it(self) -> None:
        policy = Path("policy.yaml").read_text().replace('"team"', "security")
        Path("other.yaml").write_text(policy)
        made = json.loads(sign("agent.yaml", "-o", "json", policy="other.yaml").stdout)
        named = json.loads(sign("agent.yaml", "-o", "json", name="mine").stdout)
        assert (made["key"], named["key"]) == ("security", "mine")

    def test_a_policy_that_would_not_take_it_is_told_about(self) -> None:
        run("keygen", "-o", "stranger.key")
        asked = ["--rules", "host-path", "--reason", "r", "--expires", "3d", "--policy", "policy.yaml"]
        made = run("sign", "agent.yaml", "--key", "stranger.key", *asked)
        assert made.exit_code == 0
        assert made.stderr.splitlines()[-1] == (
            "The policy does not take it: the override is signed with the key stranger, which the policy does not know."
        )

    def test_standard_input(self) -> None:
        assert sign("-", given=AGENT).exit_code == 0

    def test_the_only_workload_is_meant(self) -> None:
        made = json.loads(sign("both.yaml", "-o", "json").stdout)
        assert made["object"]["kind"] == "DaemonSet"

    @pytest.mark.parametrize("name", ["daemonset/agent", "DaemonSet.apps/agent"])
    def test_an_object_can_be_named(self, name: str) -> None:
        Path("many.yaml").write_text(f"{AGENT}---\n{AGENT.replace('name: agent', 'name: other')}")
        assert json.loads(sign("many.yaml", "-o", "json", object=name).stdout)["object"]["name"] == "agent"

    def test_a_namespace_is_given_where_there_is_none(self) -> None:
        inside = json.loads(sign("pod.yaml", "-o", "json", "-n", "debug", rules="host-pid").stdout)
        outside = json.loads(sign("pod.yaml", "-o", "json", "-n", "", rules="host-pid").stdout)
        assert (inside["object"]["namespace"], outside["object"]["namespace"]) == ("debug", "")

    def test_a_name_that_is_generated(self) -> None:
        Path("job.yaml").write_text(POD.replace("name: debug", "generateName: debug-"))
        made = sign("job.yaml", "-n", "debug", rules="host-pid")
        assert made.stderr.startswith("pod/debug-* (namespace debug): until ")

    def test_the_risk_can_be_lifted_where_there_is_one(self) -> None:
        risky = "{privileged: true}}], volumes: [{name: r, hostPath: {path: /}}]}"
        Path("risky.yaml").write_text(POD.replace("image: b:1}]}", f"image: b:1, securityContext: {risky}"))
        made = json.loads(sign("risky.yaml", "-o", "json", "-n", "debug", rules="risk,host-pid").stdout)
        assert [each["rule"] for each in made["covers"]] == ["host-pid", "risk"]

    def test_labels_of_the_namespace_count(self) -> None:
        asked = {"rules": "host-path", "policy": "policy.yaml"}
        assert sign("agent.yaml", **asked).exit_code == 0
        made = sign("agent.yaml", "--label", "pod-security.kubernetes.io/enforce=privileged", **asked)
        assert "agent.yaml: nothing is there to lift of host-path" in made.stderr

    @pytest.mark.parametrize(
        ("file", "changes", "said"),
        [
            ("agent.yaml", {"rules": "host-path,host-pid"}, "agent.yaml: nothing is there to lift of host-pid"),
            ("agent.yaml", {"rules": "host-pid,host-ipc"}, "nothing is there to lift of host-ipc and host-pid"),
            ("agent.yaml", {"rules": "risk"}, "nothing is there to lift of risk"),
            ("agent.yaml", {"rules": "host-paths"}, 'names "host-paths", which is not a rule: did you mean host-path?'),
            ("agent.yaml", {"rules": "*"}, 'names "*", which is not a rule'),
            ("agent.yaml", {"reason": " "}, "is missing: say why this workload needs it"),
            ("agent.yaml", {"reason": "a\nb"}, "reason and ticket must be printable, and on one line"),
            ("agent.yaml", {"expires": "soon"}, "is not a time with a zone"),
            ("agent.yaml", {"expires": "2026-01-01T00:00:00Z"}, "the override has ended"),
            ("agent.yaml", {"expires": "31d"}, "is too far away"),
            ("agent.yaml", {"object": "pod/x"}, "there is no pod/x: write --object with one of daemonset/agent"),
            ("agent.yaml", {"namespace": "shop"}, "it stands in the namespace logging, not in shop"),
            ("agent.yaml", {"label": "a"}, "--label a has no value: write KEY=VALUE"),
            ("agent.yaml", {"name": "a:b"}, '"a:b" is not the id of a key'),
            ("agent.yaml", {"policy": "none.yaml"}, "none.yaml cannot be read: No such file or directory"),
            ("pod.yaml", {"rules": "host-pid"}, "it names no namespace, and an override counts in one: say -n"),
            ("none.yaml", {}, "none.yaml cannot be read: No such file or directory"),
            (".", {}, ". is a folder: name a file"),
            ("bad.yaml", {}, "bad.yaml:2: "),
            ("empty.yaml", {}, "empty.yaml: there is no object"),
            ("nameless.yaml", {"rules": "host-pid"}, "it has no name: whatever has none could be given this override"),
            ("mistyped.yaml", {"rules": "host-pid"}, "spec.hostPID must be true or false, not a string"),
            ("odd.yaml", {"rules": "host-pid", "namespace": ""}, "metadata must be an object, not a string"),
            ("two.yaml", {}, "it is not clear which object is meant: write --object with one of pod/debug, pod/debug2"),
            ("crowd.yaml", {"rules": "host-path"}, "the override covers more than 500 findings: split the object, or"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_signed_is_told(self, file: str, changes: dict[str, str], said: str) -> None:
        inside = POD.replace("name: debug", "name: debug, namespace: a")
        volumes = ", ".join(f"{{name: v{each}, hostPath: {{path: /a}}}}" for each in range(501))
        texts = {
            "bad": "a: 1\nb: [",
            "empty": "",
            "nameless": inside.replace("name: debug, ", ""),
            "mistyped": inside.replace("hostPID: true", "hostPID: 'yes'"),
            "odd": inside.replace("{name: debug, namespace: a}", "text"),
            "two": f"{POD}---\n{POD.replace('debug', 'debug2')}",
            "crowd": inside.replace("hostPID: true", f"volumes: [{volumes}]"),
        }
        for name, text in texts.items():
            Path(f"{name}.yaml").write_text(text)
        made = sign(file, **changes)
        assert made.exit_code == 2, made.output
        assert (said in made.stderr, made.stdout) == (True, ""), made.stderr

    def test_a_key_that_others_can_read_is_refused(self) -> None:
        Path("team.key").chmod(0o644)
        made = sign()
        assert (made.exit_code, made.stdout) == (2, "")
        assert "team.key can be read or written by others than its owner, who could sign with it" in made.stderr

    def test_a_manifest_that_cannot_be_written_to_is_told_about(self) -> None:
        text = AGENT.replace(
            "metadata:\n  name: agent\n  namespace: logging", "metadata: &a\n  {name: agent, namespace: logging}"
        )
        Path("alias.yaml").write_text(text.replace("metadata: {labels: {app: agent}}", "metadata: *a"))  # fmt: skip
        made = sign("alias.yaml", "--write")
        assert made.exit_code == 2
        assert "leave out --write, and paste them" in made.stderr

    def test_writing_is_no_json(self) -> None:
        made = sign("agent.yaml", "--write", "-o", "json")
        assert (made.exit_code, "--write prints the manifest: leave out -o" in made.stderr) == (2, True)


@pytest.fixture
def _signed() -> None:
    Path("signed.yaml").write_text(sign("agent.yaml", "--write", "--ticket", "OPS-7").stdout)


@pytest.mark.usefixtures("_signed")
class TestVerify:
    def test_says_whose_it_is_until_when_and_what_it_covers(self) -> None:
        found = run("verify", "signed.yaml", "--policy", "policy.yaml")

        assert (found.exit_code, found.stderr) == (0, "")
        assert hidden(found.stdout) == (
            f"daemonset.apps/agent (namespace logging): good, signed with team, until {SOON}: reads the node's logs\n"
            f"{COVERS}  FINGERPRINT\n"
        )

    def test_json(self) -> None:
        found = json.loads(run("verify", "signed.yaml", "--policy", "policy.yaml", "-o", "json").stdout)
        (one,) = found["overrides"]

        assert FINGERPRINT.fullmatch(one.pop("fingerprint"))
        assert [each["rule"] for each in one.pop("covers")] == ["host-path", "host-path-writable"]
        assert one == {
            "object": {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "logging", "name": "agent"},
            "key": "team",
            "expires": SOON,
            "reason": "reads the node's logs",
            "ticket": "OPS-7",
            "source": {"document": 1, "line": 2},
            "good": True,
            "problem": None,
        }

    def test_a_public_key_is_enough(self) -> None:
        assert run("verify", "signed.yaml", "--public-key", "team.pub").exit_code == 0

    def test_with_a_public_key_it_may_last_longer_than_a_policy_allows(self) -> None:
        Path("long.yaml").write_text(
            Path("policy.yaml").read_text().replace("overrides:\n", "overrides:\n    maxDays: 90\n")
        )
        text = sign("agent.yaml", "--write", policy="long.yaml", expires="60d").stdout
        Path("signed.yaml").write_text(text)
        assert run("verify", "signed.yaml", "--public-key", "team.pub").exit_code == 0
        assert run("verify", "signed.yaml", "--policy", "long.yaml").exit_code == 0
        assert run("verify", "signed.yaml", "--policy", "policy.yaml").exit_code == 1

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("/var/log", "/etc", "not good: the override does not have the signature of team as it stands"),
            ("namespace: logging", "namespace: shop", "does not have the signature of team"),
            ("name: agent\n  namespace", "name: agent2\n  namespace", "does not have the signature of team"),
            ("signature: team:", "signature: nobody:", "is signed with the key nobody, which the policy does not know"),
            ("-signature", "-nothing", "not good: the override is not signed"),
            (SOON, "2026-01-01T00:00:00Z", "was 2026-01-01T00:00:00Z: the override has ended"),
            ("host-path,", "host-paths,", 'names "host-paths", which is not a rule: did you mean host-path?'),
        ],
    )
    def test_what_is_not_good_is_told(self, old: str, new: str, said: str) -> None:
        Path("signed.yaml").write_text(Path("signed.yaml").read_text().replace(old, new))
        found = run("verify", "signed.yaml", "--policy", "policy.yaml")
        assert found.exit_code == 1
        assert said in found.stdout
        (one,) = json.loads(run("verify", "signed.yaml", "--policy", "policy.yaml", "-o", "json").stdout)["overrides"]
        assert (one["good"], said.removeprefix("not good: ") in one["problem"]) == (False, True)

    def test_one_bad_is_enough(self) -> None:
        text = Path("signed.yaml").read_text()
        Path("many.yaml").write_text("---\n".join([text, text.replace("name: agent\n  n", "name: b\n  n")]))
        found = run("verify", "many.yaml", "--policy", "policy.yaml")
        assert found.exit_code == 1
        said = [line.split(": ")[1] for line in found.stdout.splitlines() if not line.startswith(" ")]
        assert said == [f"good, signed with team, until {SOON}", "not good"]

    def test_whatever_asks_for_nothing_is_passed_over(self) -> None:
        found = run("verify", "both.yaml", "--policy", "policy.yaml")
        assert (found.exit_code, found.stdout) == (0, "there is no override\n")
        assert run("verify", "pod.yaml", "--policy", "policy.yaml", "-o", "json").stdout == '{\n  "overrides": []\n}\n'

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["signed.yaml"], "say whose signatures count: --policy with spec.overrides.keys, or --public-key"),
            (["signed.yaml", "--profile", "cis"], "say whose signatures count"),
            (["signed.yaml", "--public-key", "none"], "none cannot be read: No such file or directory"),
            (["signed.yaml", "--public-key", "agent.yaml"], "agent.yaml: the-key is not an Ed25519 key"),
            (["signed.yaml", "--public-key", "team.pub", "-n", "a"], "signed.yaml:2: it stands in the namespace"),
            (["none.yaml", "--public-key", "team.pub"], "none.yaml cannot be read: No such file or directory"),
        ],
    )
    def test_what_cannot_be_read_is_told(self, arguments: list[str], said: str) -> None:
        found = run("verify", *arguments)
        assert (found.exit_code, found.stdout, said in found.stderr) == (2, "", True), found.stderr


def test_secrets_are_not_shown() -> None:
    shown = "AKIAIOSFODNN7EXAMPLE"
    text = AGENT.replace("volumeMounts:", f"env: [{{name: KEY, value: {shown}}}]\n        volumeMounts:")
    Path("secret.yaml").write_text(text)
    made = sign("secret.yaml", rules="secret-in-env")
    assert made.exit_code == 0
    assert shown not in made.output


@pytest.mark.parametrize(("path", "good"), [("/var/log", True), ("/var", False)])
def test_the_webhook_takes_what_was_signed_in_a_file(path: str, good: bool) -> None:
    """The API server sends the object with more in it than the file has."""
    obj: dict[str, Any] = yaml.safe_load(sign("agent.yaml", "--write", policy="policy.yaml").stdout)
    pod = obj["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "Always", "securityContext": {}, "schedulerName": "default-scheduler"}
    pod["volumes"][0]["hostPath"] = {"path": path, "type": ""}
    obj["metadata"] |= {"uid": "7", "creationTimestamp": "2026-11-24T00:00:00Z"}
    kind = {"group": "apps", "version": "v1", "kind": "DaemonSet"}
    request = {"uid": "1", "kind": kind, "operation": "CREATE", "namespace": "logging", "object": obj}
    body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()
    admitted = admit(body, config.parse(Path("policy.yaml").read_text()))

    assert isinstance(admitted, Admitted)
    (found,) = [each for each in admitted.decision.reasons if each.finding.rule.id == "host-path"]
    assert (found.override is not None, found.action) == ((True, Action.AUDIT) if good else (False, Action.DENY))


def test_rules_are_completed() -> None:
    complete = ShellComplete(cli.group, {}, "podgate", "_PODGATE_COMPLETE")
    found = complete.get_completions(["override", "sign", "--rules"], "host-pid,host-path-")
    assert [each.value for each in found] == ["host-pid,host-path-sensitive", "host-pid,host-path-writable"]
