"""The Pod Security Standards, restricted, as others publish them: 17 policies of Kyverno's chart, written in CEL.

The same expressions make ValidatingAdmissionPolicies and, as constraint templates, what Gatekeeper's CEL engine judges.
"""

import subprocess
from functools import cache
from pathlib import Path

import yaml

from benchmarks.peers.pods import Json
from benchmarks.peers.programs import PROGRAMS, UnavailableError, sources

_TOOLS = Path(__file__).parents[2] / "tests" / "manifests" / "tools" / "build"
CONSTRAINTS = "constraints.gatekeeper.sh/v1beta1"
_VALUES = ["policyType=ValidatingPolicy", "podSecurityStandard=restricted", "validationFailureAction=Enforce"]


@cache
def published() -> tuple[Json, ...]:
    """The policies, rendered from the chart in Kyverno's module. Raises UnavailableError."""
    chart = sources(PROGRAMS["kyverno"].module, PROGRAMS["kyverno"].version) / "charts" / "kyverno-policies"
    values = [word for value in _VALUES for word in ("--set", value)]
    return tuple(render(chart, *values))


def render(chart: Path, *flags: str) -> list[Json]:
    """What a Helm chart makes."""
    tools = subprocess.run([_TOOLS, "--find"], capture_output=True, text=True, check=False)
    if tools.returncode:
        raise UnavailableError(f"there is no helm: {tools.stderr.strip()}")
    command = [f"{tools.stdout.strip()}/helm", "template", "bench", str(chart), *flags]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise UnavailableError(f"helm failed: {made.stderr.strip()}")
    return [each for each in yaml.safe_load_all(made.stdout) if each]


def admission_policies(selector: dict[str, str]) -> list[Json]:
    """The API server's own: a policy and its binding, for the namespaces with these labels."""
    made = []
    for policy in published():
        name, spec = f"bench-{policy['metadata']['name']}", policy["spec"]
        kept = {
            key: spec[key] for key in ("failurePolicy", "matchConstraints", "variables", "validations") if key in spec
        }
        made += [
            _admission("ValidatingAdmissionPolicy", name, kept),
            _admission(
                "ValidatingAdmissionPolicyBinding",
                name,
                {
                    "policyName": name,
                    "validationActions": ["Deny"],
                    "matchResources": {"namespaceSelector": {"matchLabels": selector}},
                },
            ),
        ]
    return made


def constraint_templates() -> list[Json]:
    """Gatekeeper's: the same expressions, each a template for its CEL engine."""
    made = []
    for policy in published():
        source = {
            key: policy["spec"][key] for key in ("failurePolicy", "variables", "validations") if key in policy["spec"]
        }
        made.append(
            {
                "apiVersion": "templates.gatekeeper.sh/v1",
                "kind": "ConstraintTemplate",
                "metadata": {"name": constraint_kind(policy).lower()},
                "spec": {
                    "crd": {"spec": {"names": {"kind": constraint_kind(policy)}}},
                    "targets": [
                        {
                            "target": "admission.k8s.gatekeeper.sh",
                            "code": [{"engine": "K8sNativeValidation", "source": source}],
                        }
                    ],
                },
            }
        )
    return made


def constraints() -> list[Json]:
    """Gatekeeper's: every template in force for all pods."""
    return [
        {
            "apiVersion": CONSTRAINTS,
            "kind": constraint_kind(policy),
            "metadata": {"name": policy["metadata"]["name"]},
            "spec": {"enforcementAction": "deny", "match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}},
        }
        for policy in published()
    ]


def constraint_kind(policy: Json) -> str:
    """The kind that Gatekeeper makes for this policy's template."""
    return "Bench" + str(policy["metadata"]["name"]).title().replace("-", "")


def _admission(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
