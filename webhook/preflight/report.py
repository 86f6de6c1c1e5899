"""What a look at a cluster amounts to."""

from enum import StrEnum

from msgspec import Struct

from policies.rule import Severity
from webhook.report import ExitCode, PolicyRef


class Result(StrEnum):
    """What came of a check. A note is worth knowing and breaks nothing; UNSEEN is never as good as OK."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"
    UNSEEN = "not looked at"


class Check(Struct, frozen=True):
    """Something that was looked at, or could not be: what, and what came of it, in a sentence without a full stop."""

    name: str
    result: Result
    text: str


class Held(Struct, frozen=True, rename="camel"):
    """An entry of the webhook configuration, and what depends on it when nobody answers."""

    name: str
    failure_policy: str
    timeout_seconds: int
    asks_about: tuple[str, ...]
    conditions: tuple[str, ...]
    namespaces: tuple[str, ...]
    left_out: tuple[str, ...]


class Denial(Struct, frozen=True, rename="camel"):
    """Objects of one workload that would be denied; a star in the name stands for what its controller appended."""

    namespace: str
    kind: str
    name: str
    count: int
    severity: Severity
    message: str
    enforced: bool


class Space(Struct, frozen=True, rename="camel"):
    """A namespace: what runs there, and how much of it would be denied; `mode` is the policy's there."""

    namespace: str
    mode: str
    workloads: int
    workloads_denied: int
    pods: int
    pods_denied: int
    worst: Denial | None


class Judged(Struct, frozen=True):
    """What was judged, and by which policy. `omitted`: so many more denials are not listed, though counted."""

    policy: PolicyRef
    source: str
    mode: str
    spaces: tuple[Space, ...]
    denials: tuple[Denial, ...]
    omitted: int = 0


class Report(Struct, frozen=True):
    """Everything. `judged` is None where there was no policy to judge by."""

    cluster: str
    configuration: str
    held: tuple[Held, ...]
    checks: tuple[Check, ...]
    judged: Judged | None

    @property
    def exit_code(self) -> ExitCode:
        """What could not be looked at may be wrong: only what was seen to be right is fine."""
        worrying = any(check.result in (Result.WRONG, Result.UNSEEN) for check in self.checks)
        return ExitCode.DENIED if worrying or self.denied else ExitCode.ALLOWED

    @property
    def denied(self) -> int:
        """How many workloads and pods would be denied."""
        return sum(sum(counts) for counts in self.denied_by_mode.values())

    @property
    def denied_by_mode(self) -> dict[str, tuple[int, int]]:
        """The same by what the policy makes of it where they are: workloads and pods."""
        found: dict[str, tuple[int, int]] = {}
        for each in self.judged.spaces if self.judged is not None else ():
            workloads, pods = found.get(each.mode, (0, 0))
            found[each.mode] = workloads + each.workloads_denied, pods + each.pods_denied
        return {mode: counts for mode, counts in found.items() if any(counts)}
