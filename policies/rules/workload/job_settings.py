from collections.abc import Iterator

from policies.objects import Job
from policies.rule import Severity, Violation, rule

# Whoever runs these hooks deletes their jobs.
_HOOKS = ("helm.sh/hook-delete-policy", "argocd.argoproj.io/hook-delete-policy")


@rule(
    title="Job that stays for ever",
    severity=Severity.INFO,
    references=("KEP-592", "Kubernetes: Automatic Cleanup for Finished Jobs"),
    remediation="Set spec.ttlSecondsAfterFinished.",
)
def job_settings(job: Job) -> Iterator[Violation]:
    """A finished Job keeps its pods, with their logs, environment and mounted secrets in the API, until somebody
    deletes it. Thousands of them slow down the control plane.

    Legitimate for jobs that something else cleans up: those of a CronJob or another controller, and hooks of Helm and
    Argo CD with a delete policy, are no finding.
    """
    if job.spec is not None and job.spec.ttl_seconds_after_finished is None and not job.controlled:
        annotations = job.meta.annotations or {}
        if not any(hook in annotations for hook in _HOOKS):
            yield Violation(("spec", "ttlSecondsAfterFinished"), "is not set")
