"""What is derived from the chart's values: its README, and the schema that refuses values that are none."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent / "manifests" / "chart"
_COMMENT = re.compile(r"# ?(-- )?(.*)")
_KEY = re.compile(r"( *)([A-Za-z]\w*):")

_Schema = dict[str, Any]
_NUMBER_OR_PERCENT: _Schema = {"type": ["integer", "string"]}
_PORT: _Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
_SECONDS: _Schema = {"type": "integer", "minimum": 1, "maximum": 30}
_COUNT: _Schema = {"type": "integer", "minimum": 1}
#: What the type of a default does not say. Everything else is of its default's type, and unknown keys are refused.
_MORE: dict[str, _Schema] = {
    "image.repository": {"type": "string", "minLength": 1},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "replicaCount": _COUNT,
    "autoscaling.minReplicas": _COUNT,
    "autoscaling.maxReplicas": _COUNT,
    "autoscaling.targetCPUUtilizationPercentage": _COUNT,
    "podDisruptionBudget.maxUnavailable": _NUMBER_OR_PERCENT,
    "resources": {"type": "object"},
    "podSecurityContext": {"type": "object"},
    "securityContext": {"type": "object"},
    "service.port": _PORT,
    "serve.port": _PORT,
    "serve.opsPort": _PORT,
    "serve.drainSeconds": {"type": "integer", "minimum": 0, "maximum": 600},
    "serve.extraArgs": {"type": "array", "items": {"type": "string", "pattern": "^--"}},
    "webhook.failurePolicy": {"enum": ["Ignore", "Fail"]},
    "webhook.timeoutSeconds": _SECONDS,
    "webhook.objects.timeoutSeconds": _SECONDS,
    "webhook.thirdParty.timeoutSeconds": _SECONDS,
    "webhook.excludedNamespaces": {"type": "array", "items": {"type": "string"}},
    "certificates.mode": {"enum": ["self", "cert-manager", "provided"]},
    "certificates.secretName": {"type": "string", "minLength": 1},
    "certificates.caBundle": {"type": "string", "pattern": "^[A-Za-z0-9+/]*=*$"},
    "policy": {"type": ["object", "string"], "minLength": 1},
    "networkPolicy.metricsFrom": {"type": "object"},
    "monitoring.dashboard.labels": {"type": "object"},
}
_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


def schema() -> Iterator[str]:
    """values.schema.json: Helm refuses what does not fit before anything is rendered."""
    found = _schema(_values(), "")
    found["properties"] |= {"global": {"type": "object"}}  # Helm's own, where this chart is part of another
    yield json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **found}, indent=1) + "\n"


def _schema(value: Any, path: str) -> _Schema:
    if path in _MORE:
        return _MORE[path]
    if not isinstance(value, dict) or not value:
        return {"type": _TYPES[type(value)]}
    below = {key: _schema(each, f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    return {"type": "object", "additionalProperties": False, "properties": below}


def readme(header: str) -> Iterator[str]:
    """README.md of the chart: every value, with its comment."""
    yield f"{header}# Podgate, by Helm\n\n"
    yield "```console\n$ helm install podgate manifests/chart --namespace podgate-system --create-namespace\n```\n\n"
    yield "judges everything and refuses nothing: `policy.spec.mode` is `audit`, `webhook.failurePolicy` is `Ignore`.\n"
    yield "[Installing](../../docs/install.md) goes on. `ci/` has values that are tried with every change.\n\n"
    yield "| value | default | meaning |\n|---|---|---|\n"
    for path, meaning in _comments().items():
        value = _at(path)
        default = "see values.yaml" if isinstance(value, dict) and value else f"`{json.dumps(value)}`"
        yield f"| `{path}` | {default} | {meaning} |\n"


def _values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return found


def _at(path: str) -> Any:
    value: Any = _values()
    for key in path.split("."):
        value = value[key]
    return value


def _comments() -> dict[str, str]:
    """The comments that begin with `# --`, by the path of the key that follows."""
    found: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    said = ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        if comment := _COMMENT.fullmatch(line.strip()):
            said = comment[2] if comment[1] else f"{said} {comment[2]}"
        elif key := _KEY.match(line):
            stack = [each for each in stack if each[0] < len(key[1])] + [(len(key[1]), key[2])]
            path = ".".join(name for _, name in stack)
            # A comment over a section that has values with comments is the section's first value's: criticalPodsQuota.
            if said:
                found[path] = said
            said = ""
    return found
