"""`podgate policy`: what a policy says, and what is wrong with it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policies import config
from webhook import cli

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"
POLICY = f"""{HEAD}metadata: {{name: production}}
spec:
  profile: pss-baseline
  pssVersion: v1.29
  rules:
    host-path: {{action: warn}}
    privileged: {{action: deny}}
    image-registry: {{action: audit, options: {{allow: [registry.example.com/team]}}}}
  classifier: {{denyAt: 0.95}}
  namespaces:
  - names: [monitoring, logging]
    rules: {{host-path: {{action: off}}, image-registry: {{options: {{allow: [a.example.com]}}}}}}
    classifier: {{warnAt: 0.5, denyAt: null}}
  - selector: {{matchLabels: {{stage: sandbox}}, matchExpressions: [{{key: team, operator: In, values: [a, b]}}]}}
    mode: warn
    profile: recommended
    pssVersion: v1.30
  - selector: {{}}
  exclusions: {{users: ["system:kube-scheduler"], groups: [a, b]}}
  overrides: {{maxDays: 14, requireTicket: true, neverFor: [docker-socket], authorise: [rbac]}}
"""

KEY = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="


MONITORING = (
    "monitoring, logging                                        host-path: off, "
    'image-registry: {"allow":["a.example.com"]}, warnAt: 0.5, denyAt: never'
)


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(cli.group, ("policy", *arguments), input=given)


def test_what_a_policy_says(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    found = run(f"{tmp_path}/policy.yaml")
    assert (found.exit_code, found.stderr) == (0, "")
    assert (
        found.stdout
        == f"""\
production, hash {config.parse(POLICY).hash}
mode enforce, profile pss-baseline, Pod Security Standards v1.29
risk: never warned of, denied from 0.95
overrides: 14 days at most, with a ticket, by rbac; never for docker-socket
not judged, by users: system:kube-scheduler
not judged, by groups: a, b

RULE             ACTION   PROFILE   OPTIONS
host-path        warn     deny
image-registry   audit    off       {{"allow":["registry.example.com/team"]}}

NAMESPACES                      MODE   PROFILE             DIFFERENT THERE
{MONITORING}
stage=sandbox, team In (a, b)   warn   recommended v1.30
all
"""
    )


def test_whose_models_it_takes() -> None:
    found = run("-", given=f"{HEAD}spec: {{classifier: {{denyAt: 0.9, keys: [{{id: ml, publicKey: {KEY}}}]}}}}\n")
    assert ", denied from 0.9; models signed with ml\n" in found.stdout


def test_a_policy_that_says_nothing_of_its_own() -> None:
    found = run("-", given=f"{HEAD}spec: {{overrides: {{enabled: false}}}}")
    assert found.exit_code == 0
    assert "overrides: none count\n" in found.stdout
    assert found.stdout.endswith("\nEvery rule does what the profile recommended says.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POLICY.replace("privileged:", "privilegde:"), "stdin:9: spec.rules.privilegde is not a rule: did you mean "),
        (POLICY + "  rules: {}\n", 'stdin:23: the policy is not YAML: the key "rules" stands twice'),
        ("", "stdin:1: the policy is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    found = run("-", given=text)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert said in found.stderr


def test_a_file_that_is_none(tmp_path: Path) -> None:
    found = run(f"{tmp_path}/none.yaml")
    assert found.exit_code == 2
    assert "none.yaml cannot be read" in found.stderr


def test_names_do_not_steer_the_terminal() -> None:
    found = run("-", given=f'{HEAD}metadata: {{name: "a\\e[31mb"}}\nspec: {{exclusions: {{users: ["\\u202e"]}}}}')
    assert r"a\x1b[31mb" in found.stdout
    assert "\u202e" not in found.stdout
