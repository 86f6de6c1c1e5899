"""Texts of policies: compiled or refused in words; what is compiled means the same however it is written."""

from functools import cache
from pathlib import Path as File

import msgspec
import yaml

from policies import config, policy_file
from policies.gatepolicy import GatePolicy
from policies.policy_file import PolicyError
from tests.fuzz.lines import Lines
from tests.fuzz.targets.target import Target
from tests.reviews import body, privileged_pod, review
from webhook.admission import admit

_ROOT = File(__file__).parents[3]
_REVIEW = body(review(privileged_pod()))
_LABELS = {
    "podgate.dev/mode": "warn",
    "stage": "sandbox",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "v1.29",
}
_MINE = """
apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {name: production}
spec:
  mode: enforce
  profile: recommended
  pssVersion: v1.29
  rules:
    host-port: {action: warn}
    image-registry: {action: deny, options: {allow: [registry.example.com/team]}}
  classifier: {warnAt: 0.5, denyAt: null}
  namespaces:
  - names: [monitoring, logging]
    rules: {host-path: {action: warn}}
    classifier: {denyAt: 0.99}
  - selector: {matchLabels: {stage: sandbox}, matchExpressions: [{key: a, operator: In, values: [b]}]}
    mode: warn
    profile: pss-baseline
  exclusions: {namespaces: [kube-system], users: ["system:kube-scheduler"], groups: [a], runtimeClasses: [kata]}
  overrides:
    enabled: true
    maxDays: 14
    requireTicket: true
    neverFor: [docker-socket, privileged]
    authorise: [rbac, signature]
    keys: [{id: team, publicKey: "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", notAfter: "2027-12-31T00:00:00Z"}]
    revoked: [team]
  updates: worse
"""


def take(content: bytes) -> bool:
    """Whether it was a policy."""
    text = content.decode("utf-8", "replace")
    try:
        policy = config.parse(text)
    except PolicyError as error:
        _is_helpful(error, text)
        return False
    document = policy_file.convert(policy_file.read(text).value, GatePolicy)
    again = config.parse(yaml.safe_dump(msgspec.to_builtins(document)))
    assert again.hash == policy.hash, "the same policy, written in another way, is another one"
    for labels in ({}, _LABELS, None):
        here = policy.within("default", labels)
        assert here.engine.rules is not None
    admit(_REVIEW, policy)
    return True


def _is_helpful(error: PolicyError, text: str) -> None:
    assert str(error)
    assert error.line is None or 1 <= error.line <= text.count("\n") + text.count("\r") + 2
    assert error.told("policy.yaml").startswith("policy.yaml")


@cache
def seeds() -> list[bytes]:
    """Policies of this project, one that says all that can be said, and all its parts."""
    found = [_MINE.encode(), *(file.read_bytes() for file in sorted(_ROOT.glob("manifests/overlays/*/policy.yaml")))]
    whole = yaml.safe_load(_MINE)
    for name, value in whole["spec"].items():
        found.append(yaml.safe_dump({**whole, "spec": {name: value}}).encode())
    return found


TARGET = Target("policy", take, seeds, lambda: Lines(seeds()).mutate, 4_096)
