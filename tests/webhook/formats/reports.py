"""A report with a little of everything, for the tests of formats."""

from msgspec.structs import replace

from policies.decision import Decision, Reason, Verdict
from policies.engine import Finding
from policies.path import Path
from policies.profile import Action
from policies.registry import by_name
from webhook.report import Fix, Located, ObjectRef, PolicyRef, Replacement, Report, ReportError, Result, Source, Telling

PRIVILEGED = by_name()["privileged"]
ESCAPE = "\x1b[31mred\n\u202e\x9b"


def located(action: Action, path: Path, message: str, line: int, fix: Fix | None = None) -> Located:
    return Located(Reason(Finding(PRIVILEGED, path, message), action), line, 5, fix)


DENIED = Result(
    ObjectRef("apps/v1", "Deployment", "shop", "web"),
    Source("a.yaml", 2, 7),
    Decision(Verdict.DENY, Verdict.DENY),
    (
        located(Action.DENY, ("spec", "containers", 0, "x"), 'is true (container "a")', 12),
        located(Action.DENY, ("spec", "containers", 1, "x"), f'is true (container "{ESCAPE}")', 14),
    ),
)
WARNED = Result(
    ObjectRef("v1", "Pod", "", ""),
    Source("b.yaml", 1, 1),
    Decision(Verdict.WARN, Verdict.DENY),
    (located(Action.WARN, ("spec", "hostPID"), "is true", 3),),
)
ALLOWED = Result(ObjectRef("v1", "Service", "", "web"), Source("b.yaml", 2, 9), Decision(Verdict.ALLOW, Verdict.ALLOW))
ERRORS = (
    ReportError("c.yaml", 1, 4, f"is not YAML: {ESCAPE}"),
    ReportError("gone.yaml", None, None, "cannot be read: No such file or directory"),
)
POLICY = PolicyRef("recommended", "0123456789ab")

EMPTY = Report(POLICY)
FULL = Report(POLICY, (DENIED, WARNED, ALLOWED), ERRORS, (Source("x.yaml", 1, 1), Source("x.yaml", 2, 3)))
FIXED = Report(
    POLICY,
    (
        Result(
            ObjectRef("v1", "Pod", "", "a"),
            Source("d.yaml", 1, 1),
            Decision(Verdict.WARN, Verdict.WARN),
            (
                located(
                    Action.WARN,
                    ("spec", "hostPID"),
                    "is true",
                    6,
                    Fix(({"op": "remove", "path": "/spec/hostPID"},), (Replacement(6, 1, 7, 1, ""),)),
                ),
            ),
        ),
    ),
)

#: What names may be: HTML, Markdown, XML, workflow commands, links, placeholders, and characters that are none.
EVIL = "<b>|`%0A::error::x]]>&amp;[a](http://b)[[[ATTACHMENT|/etc/passwd]]{0}\\|@c ##[d]\r\n\x00\ud800\uffff\u202e漢"
EVIL_FILE = "./with space/a:b,c%20é.yaml"
HOSTILE = Report(
    PolicyRef(EVIL, "0"),
    (
        Result(
            ObjectRef(f"{EVIL}/v1", EVIL, EVIL, EVIL),
            Source(EVIL_FILE, 1, 1),
            Decision(Verdict.DENY, Verdict.DENY),
            (
                located(Action.DENY, ("spec", EVIL), f"is bad (container {EVIL})", 2),
                located(Action.AUDIT, ("spec", EVIL), f"is bad (container {EVIL})", 3),
            ),
        ),
    ),
    (ReportError(EVIL, 1, 2, EVIL),),
    (Source(EVIL, 1, 1),),
)
#: Nothing to see but what went wrong.
BROKEN = Report(POLICY, errors=ERRORS)


def only(report: Report, telling: Telling) -> Report:
    """The same report as it would be, had nobody asked for other findings."""
    results = tuple(
        replace(result, findings=tuple(found for found in result.findings if telling(found.reason)))
        for result in report.results
    )
    hidden = sum(len(result.findings) for result in report.results) - sum(len(result.findings) for result in results)
    return replace(report, results=results, hidden=report.hidden + hidden)
