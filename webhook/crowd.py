"""Many files, judged by several processes: what they find is put together in the order of the files.

Orders and answers are msgpack of the types below, and nothing is pickled: that would cost several times as much, and
carry pods and functions along. Rules go by their ids.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import closing

import msgspec
from msgspec import Struct

from policies import registry
from policies.decision import Decision, Reason, Verdict
from policies.engine import Finding
from policies.overrides import Override, Refusal
from policies.path import Path
from policies.profile import Action
from policies.risk.assess import Assessor, Gist
from webhook import workers
from webhook.check import Desk, Outcome
from webhook.manifest import File, Unread
from webhook.report import Fix, Located, ObjectRef, ReportError, Result, Source

#: Files of one order: so few that all processes end at about the same time.
_TOGETHER = 16
#: However many cores there are: beyond, putting together takes longer than judging.
_MOST = 32


class _Told(Struct, frozen=True, array_like=True, gc=False):
    """A finding. `rule` is its id."""

    rule: str
    path: Path
    message: str
    prefix: int
    value: bytes
    action: Action
    existing: bool
    override: Override | None
    line: int
    column: int
    fix: Fix | None


class _Judged(Struct, frozen=True, array_like=True):
    """An object, and what its decision says beside the findings."""

    object: ObjectRef
    source: Source
    verdict: Verdict
    judged: Verdict
    refusals: tuple[Refusal, ...]
    risk: Gist | None
    risk_action: Action
    risk_limit: float
    risk_override: Override | None
    findings: list[_Told]


class _Answer(Struct, frozen=True, array_like=True):
    results: list[_Judged]
    errors: list[ReportError]
    ignored: list[Source]
    hidden: int


_encode = msgspec.msgpack.Encoder().encode
_orders = msgspec.msgpack.Decoder(list[Unread])
_answers = msgspec.msgpack.Decoder(_Answer)


def judge(files: Iterable[File | Unread], desk: Desk) -> Iterator[Outcome]:
    """Judge files by as many processes as there are cores for this one; in their order, some at a time."""
    batches = _batches(files)
    # What is there now is shared with the other processes for as long as nobody touches it.
    gc.freeze()
    with closing(workers.Crew(lambda order: _answered(order, desk), min(workers.cores(), _MOST))) as crew:
        # Before a batch there may be files that only this process can judge: it does so while the others work.
        orders = ((None if own else _encode(batch), batch) for own, batch in batches)
        for batch, answer in crew.work(orders):
            yield _outcome(batch, answer, desk)


def _batches(files: Iterable[File | Unread]) -> Iterator[tuple[bool, list[File | Unread]]]:
    """Files that are not read yet, some at a time; and by itself whatever this process has read."""
    batch: list[File | Unread] = []
    for file in files:
        if isinstance(file, File):
            yield from [(False, batch)] if batch else []
            yield True, [file]
            batch = []
            continue
        batch.append(file)
        if len(batch) == _TOGETHER:
            yield False, batch
            batch = []
    if batch:
        yield False, batch


def _outcome(batch: list[File | Unread], answer: bytes | None, desk: Desk) -> Outcome:
    """What was found in these files. What could not be judged elsewhere fails here as it would have without others."""
    if answer is not None:
        return _unpacked(answer, len(batch), desk.policy.engine.assessor)
    outcome = Outcome(0)
    for file in batch:
        outcome.add(desk.take(file))
    return outcome


def _answered(order: bytes, desk: Desk) -> bytes:
    outcome = Outcome(0)
    for file in _orders.decode(order):
        outcome.add(desk.take(file))
    results = [_judged(result) for result in outcome.results]
    return _encode(_Answer(results, outcome.errors, outcome.ignored, outcome.hidden))


def _judged(result: Result) -> _Judged:
    decision, risk = result.decision, result.decision.risk
    return _Judged(
        result.object,
        result.source,
        decision.verdict,
        decision.judged,
        decision.refusals,
        None if risk is None else risk.gist,
        decision.risk_action,
        decision.risk_limit,
        decision.risk_override,
        [_told(found) for found in result.findings],
    )


def _told(found: Located) -> _Told:
    reason, finding = found.reason, found.reason.finding
    what = finding.rule.id, finding.path, finding.message, finding.prefix, finding.value
    return _Told(*what, reason.action, reason.existing, reason.override, found.line, found.column, found.fix)


def _unpacked(answer: bytes, files: int, assessor: Assessor | None) -> Outcome:
    content = _answers.decode(answer)
    results = [_result(judged, assessor) for judged in content.results]
    return Outcome(files, results, content.errors, content.ignored, content.hidden)


def _result(judged: _Judged, assessor: Assessor | None) -> Result:
    located = tuple([_located(told) for told in judged.findings])
    risk = None if judged.risk is None or assessor is None else assessor.recall(judged.risk)
    decision = Decision(
        judged.verdict,
        judged.judged,
        tuple([found.reason for found in located]),
        refusals=judged.refusals,
        risk=risk,
        risk_action=judged.risk_action,
        risk_limit=judged.risk_limit,
        risk_override=judged.risk_override,
    )
    return Result(judged.object, judged.source, decision, located)


def _located(told: _Told) -> Located:
    finding = Finding(registry.by_name()[told.rule], told.path, told.message, told.prefix, told.value)
    return Located(Reason(finding, told.action, told.existing, told.override), told.line, told.column, told.fix)
