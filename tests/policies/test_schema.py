"""The JSON Schema for editors agrees with what reads a policy."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from policies import config, policy_file, profile, registry
from policies.config import PolicyError
from policies.schema import schema

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"
VALIDATOR = jsonschema_rs.Draft202012Validator(schema(), validate_formats=True)


def accepted(text: str) -> tuple[bool, bool]:
    """Whether the schema and the reader accept a policy."""
    try:
        config.parse(text)
    except PolicyError:
        read = False
    else:
        read = True
    return VALIDATOR.is_valid(policy_file.read(text).value), read


GOOD = [
    "",
    "metadata: {name: a, labels: {team: b}}",
    "spec: {}",
    *(f"spec: {{mode: {mode}}}" for mode in ("enforce", "warn", "audit")),
    *(f"spec: {{profile: {name}}}" for name in profile.names()),
    *(f"spec: {{pssVersion: {version}}}" for version in ("latest", "v1.0", "v1.29", "v1.999")),
    "spec: {rules: {host-path: {}}}",
    "spec: {rules: {host-path: {action: off}}}",
    "spec: {rules: {host-path: {action: null, options: {}}}}",
    "spec: {rules: {image-registry: {action: deny, options: {allow: [registry.example.com/team]}}}}",
    "spec: {rules: {run-as-low-uid: {options: {min: 1}}, memory-limit-missing: {options: {default: 64Mi}}}}",
    "spec: {rules: {metadata-labels: {options: {required: {team: '*'}, kinds: [Pod]}}}}",
    "spec: {classifier: {warnAt: 0, denyAt: null}}",
    "spec: {classifier: {warnAt: 0.5, denyAt: 1}}",
    "spec: {overrides: {enabled: false, maxDays: 3650, requireTicket: true, neverFor: [privileged, risk]}}",
    "spec: {overrides: {authorise: [rbac]}}",
    "spec: {updates: all}",
    "spec: {exclusions: {namespaces: [a], users: [b], groups: [c], runtimeClasses: [d]}}",
    "spec: {namespaces: [{names: [a]}, {selector: {matchLabels: {a: b}}, mode: audit, profile: all}]}",
    "spec: {namespaces: [{names: [], selector: {}}, {names: [a], selector: null, pssVersion: v1.1, profile: null}]}",
    "spec: {namespaces: [{selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}]}",
    "spec: {namespaces: [{names: [a], rules: {host-path: {action: warn}}, classifier: {denyAt: 0.9}}]}",
]

BAD = [
    "status: {}",
    "metadata: {name: 1}",
    "spec: null",
    "spec: {colour: red}",
    "spec: {mode: loud}",
    "spec: {mode: null}",
    "spec: {profile: strict}",
    "spec: {profile: null}",
    "spec: {pssVersion: 1.29}",
    "spec: {pssVersion: '1.29'}",
    "spec: {pssVersion: v1.029}",
    "spec: {rules: {host-paht: {}}}",
    "spec: {rules: {host-path: deny}}",
    "spec: {rules: {host-path: {action: block}}}",
    "spec: {rules: {host-path: {severity: low}}}",
    "spec: {rules: {host-path: {options: {allow: [a]}}}}",
    "spec: {rules: {image-registry: {options: {alow: [a]}}}}",
    "spec: {rules: {image-registry: {options: {allow: a}}}}",
    "spec: {rules: {run-as-low-uid: {options: {min: 0}}}}",
    "spec: {rules: {image-pull-policy: {options: {images: some}}}}",
    "spec: {rules: {metadata-labels: {options: {required: {'': a}}}}}",
    "spec: {classifier: {warnAt: 50}}",
    "spec: {classifier: {denyAt: -0.1}}",
    "spec: {classifier: {warnAt: high}}",
    "spec: {overrides: {maxDays: 0}}",
    "spec: {overrides: {maxDays: 3651}}",
    "spec: {overrides: {enabled: 'yes'}}",
    "spec: {overrides: {neverFor: [host-paht]}}",
    "spec: {overrides: {neverFor: privileged}}",
    "spec: {overrides: {authorise: [anybody]}}",
    "spec: {updates: none}",
    "spec: {exclusions: {pods: [a]}}",
    "spec: {namespaces: {names: [a]}}",
    "spec: {namespaces: [{}]}",
    "spec: {namespaces: [{names: []}]}",
    "spec: {namespaces: [{names: [a], selector: {}}]}",
    "spec: {namespaces: [{names: [a], mode: off}]}",
    "spec: {namespaces: [{names: [a], rules: {host-paht: {}}}]}",
    "spec: {namespaces: [{selector: {matchExpressions: [{key: a, operator: Like}]}}]}",
    "spec: {namespaces: [{selector: {matchExpressions: [{operator: Exists}]}}]}",
]

#: What only the reader can refuse: fields that contradict each other, and values that only a rule can judge.
SUBTLE = [
    "spec: {classifier: {warnAt: 0.9, denyAt: 0.5}}",
    "spec: {rules: {image-registry: {options: {allow: ['']}}}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_both_accept(text: str) -> None:
    assert accepted(HEAD + text) == (True, True)


@pytest.mark.parametrize("text", BAD)
def test_both_refuse(text: str) -> None:
    assert accepted(HEAD + text) == (False, False)


@pytest.mark.parametrize("text", SUBTLE)
def test_the_reader_alone_refuses(text: str) -> None:
    assert accepted(HEAD + text) == (True, False)


@pytest.mark.parametrize("text", ["{}", "kind: GatePolicy", "apiVersion: podgate.dev/v1\nkind: GatePolicy", "[]"])
def test_both_want_to_be_told_what_it_is(text: str) -> None:
    assert accepted(text) == (False, False)


@pytest.mark.parametrize("rule", registry.load(), ids=lambda rule: rule.id)
def test_every_rule_with_its_options_as_they_are(rule: Any) -> None:
    options = msgspec.to_builtins(rule.options()) if rule.options is not None else {}
    text = json.dumps({"rules": {rule.id: {"action": "warn", "options": options}}})
    assert accepted(f"{HEAD}spec: {text}") == (True, True)


def test_everything_is_described_and_every_part_is_used() -> None:
    written = json.dumps(schema())
    for name, part in schema()["$defs"].items():
        assert f'"#/$defs/{name}"' in written
        for field, about in part.get("properties", {}).items():
            assert "description" in about or "$ref" in about, f"{name}.{field}"


def test_policies_of_the_documentation_are_accepted() -> None:
    pages = (Path(config.__file__).parent.parent / "docs").glob("*.md")
    found = [block for page in pages for block in page.read_text("utf-8").split("```yaml\n")[1:]]
    policies = [text for block in found if "kind: GatePolicy" in (text := block.partition("```")[0])]
    assert policies
    for text in policies:
        assert accepted(text) == (True, True)


def test_it_is_the_one_that_editors_are_given() -> None:
    given = Path(config.__file__).parent.parent / "docs" / "gatepolicy.schema.json"
    assert json.loads(given.read_text("utf-8")) == json.loads(json.dumps(schema())), (
        "if it is better now: make generate"
    )
