"""`podgate check --fix` and `--diff`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from difflib import unified_diff
from io import StringIO

from policies import overrides
from policies.config import Policy
from policies.decision import decide
from policies.engine import Finding
from policies.resource import Resource
from policies.rule import Severity
from webhook.check import LabelsOf, judge, policy_in
from webhook.commands import colourful, write
from webhook.formats import text
from webhook.manifest import File, Manifest, find
from webhook.mend import Wanted, mend
from webhook.report import ExitCode, Report, Telling, counted


def run(paths: Iterable[str], policy: Policy, least: Severity, labels: LabelsOf, *, diff: bool) -> ExitCode:
    """Print fixed files, or what changes in them; and on standard error what is left, which the exit code is about."""
    now = datetime.now(UTC)
    files = list(find(paths))
    fixed: list[File] = []
    count = 0
    for file in files:
        mended = mend(file, policy.engine, _wanted(policy, least, now, labels))
        fixed.append(replace(file, content=mended.content))
        count += mended.count
    if diff:
        write(piece for old, new in zip(files, fixed, strict=True) for piece in _diff(old, new))
    else:
        _print([file for file in fixed if file.problem is None])
    report = judge(fixed, policy, labels=labels, telling=Telling(recorded=False))
    write(_left(count, report), sys.stderr)
    return report.exit_code


def _wanted(policy: Policy, least: Severity, now: datetime, labels: LabelsOf) -> Wanted:
    """Which findings are to be fixed: those that are severe enough, and that no override lifts."""

    def of(_found: Manifest, resource: Resource) -> list[Finding]:
        here = policy_in(policy, resource, labels)
        asked = overrides.of(resource, here.overrides, now)
        reasons = decide(here.engine.evaluate(resource), here, overrides=asked).reasons
        kept = [reason.finding for reason in reasons if reason.override is None]
        return [finding for finding in kept if finding.rule.severity >= least]

    return of


def _print(files: list[File]) -> None:
    """One file as it is; several as a stream that names them."""
    sys.stdout.flush()
    for file in files:
        if len(files) > 1:
            sys.stdout.buffer.write(f"---\n# Source: {file.name}\n".encode())
        sys.stdout.buffer.write(file.content)
        if len(files) > 1 and not file.content.endswith(b"\n"):
            sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def _diff(old: File, new: File) -> Iterator[str]:
    name = old.name.lstrip("/")
    before, after = (_lines(file.content) for file in (old, new))
    for line in unified_diff(before, after, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str]:
    return StringIO(content.decode("utf-8", "replace"), newline="\n").readlines()


def _left(count: int, report: Report) -> Iterator[str]:
    yield f"fixed {counted(count, 'finding', 'findings')}; what is left:\n"
    colour = colourful(sys.stderr)
    yield from text.render(report, colour=colour, verbose=False)
    yield from text.complain(report, colour=colour)
