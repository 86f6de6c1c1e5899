from collections.abc import Iterator

from policies.objects import CronJob, CronJobSpec, JobSpec
from policies.rule import Severity, Violation, rule

_EMPTY = CronJobSpec()
_NO_JOB = JobSpec()


@rule(
    title="CronJob that catches up or piles up",
    severity=Severity.INFO,
    references=("Kubernetes: CronJob, Deadline and Concurrency Policy", "MITRE ATT&CK T1499"),
    remediation="Set startingDeadlineSeconds, and concurrencyPolicy to Forbid or Replace.",
)
def cronjob_settings(cronjob: CronJob) -> Iterator[Violation]:
    """Without a deadline a CronJob that has missed a hundred starts is never started again, and one that was held up
    starts late, at a time nobody chose. Where runs may overlap, one that hangs is joined by the next and the next.

    Legitimate for short tasks that do not mind. Runs that end at activeDeadlineSeconds cannot pile up, and are no
    finding.
    """
    spec = cronjob.spec or _EMPTY
    if spec.starting_deadline_seconds is None:
        yield Violation(("spec", "startingDeadlineSeconds"), "is not set")
    job = (spec.job_template.spec if spec.job_template is not None else None) or _NO_JOB
    if spec.concurrency_policy in (None, "", "Allow") and job.active_deadline_seconds is None:
        yield Violation(("spec", "concurrencyPolicy"), "is Allow")
