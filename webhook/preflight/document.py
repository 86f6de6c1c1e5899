"""A look at a cluster as JSON, for programs."""

from typing import Any

import msgspec

from webhook.preflight.report import Denial, Judged, Report
from webhook.report import version


def of(report: Report) -> dict[str, Any]:
    """Everything that was found; `judged` is null where there was no policy to judge by."""
    judged = report.judged
    return {
        "version": version(),
        "cluster": report.cluster,
        "configuration": report.configuration,
        "webhooks": msgspec.to_builtins(report.held),
        "checks": msgspec.to_builtins(report.checks),
        "judged": None if judged is None else _judged(judged),
        "exitCode": int(report.exit_code),
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "policy": {
            "name": judged.policy.name,
            "hash": judged.policy.hash,
            "source": judged.source,
            "mode": judged.mode,
        },
        "namespaces": [
            {
                "namespace": each.namespace,
                "mode": each.mode,
                "workloads": {"judged": each.workloads, "denied": each.workloads_denied},
                "pods": {"judged": each.pods, "denied": each.pods_denied},
                "worst": None if each.worst is None else _denial(each.worst),
            }
            for each in judged.spaces
        ],
        "denied": [_denial(each) for each in judged.denials],
        "notListed": judged.omitted,
    }


def _denial(found: Denial) -> dict[str, Any]:
    return {
        "namespace": found.namespace,
        "kind": found.kind,
        "name": found.name,
        "count": found.count,
        "severity": str(found.severity),
        "message": found.message,
        "enforced": found.enforced,
    }
