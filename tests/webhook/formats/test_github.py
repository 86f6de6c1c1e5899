"""Workflow commands, character by character: what GitHub's runner makes annotations of."""

from policies.decision import Decision, Verdict
from policies.profile import Action
from policies.rule import Severity
from tests.webhook.formats.reports import BROKEN, EMPTY, FULL, HOSTILE, POLICY, PRIVILEGED, located, only
from webhook.formats import github
from webhook.report import ObjectRef, Report, Result, Source, Telling


def rendered(report: Report) -> str:
    return "".join(github.render(report, colour=True, verbose=True))


def test_everything_worst_first_and_a_line_that_sums_up() -> None:
    title = "col=5,title=privileged (critical)"
    web, remedy = "deployment.apps/web (namespace shop)", PRIVILEGED.remediation
    assert rendered(FULL) == (
        "::error file=c.yaml,line=4,title=not judged::is not YAML: \\x1b[31mred\\n\\u202e\\x9b\n"
        "::error file=gone.yaml,title=not judged::cannot be read: No such file or directory\n"
        f'::error file=a.yaml,line=12,{title}::{web}: spec.containers[0].x is true (container "a"). {remedy}\n'
        f"::error file=a.yaml,line=14,{title}::{web}: spec.containers[1].x is true "
        f'(container "\\x1b[31mred\\n\\u202e\\x9b"). {remedy}\n'
        f"::warning file=b.yaml,line=3,{title}::pod/(no name): spec.hostPID is true. {remedy}\n"
        "3 objects checked against recommended: 1 denied, 1 warned, 1 allowed, 2 not judged\n"
    )


def test_nothing() -> None:
    assert rendered(EMPTY) == "0 objects checked against recommended\n"


def test_errors_only() -> None:
    assert rendered(BROKEN).splitlines()[2:] == ["0 objects checked against recommended: 2 not judged"]


def test_names_stay_inside_their_command() -> None:
    error, denied, audited, summary, end = rendered(HOSTILE).split("\n")
    # Properties end at a comma or at two colons; the file's own are escaped, and so is its per cent.
    assert denied.startswith(
        "::error file=with space/a%3Ab%2Cc%2520é.yaml,line=2,col=5,title=privileged (critical)::<b>|`"
    )
    assert audited.startswith("::notice file=with space/a%3Ab%2Cc%2520é.yaml,line=3,col=5,")
    assert error.startswith("::error file=") and error.count("::error::x") == 1  # noqa: PT018 - one fact
    assert "%250A" in denied
    assert "\\r\\n\\x00\\ud800\\uffff\\u202e漢" in denied
    assert "##[" not in summary
    assert end == ""


def test_what_github_will_not_show_is_told() -> None:
    def report(count: int) -> Report:
        findings = tuple(located(Action.WARN, ("spec",), "x", line) for line in range(1, count + 1))
        result = Result(ObjectRef("v1", "Pod", "", "a"), Source("a.yaml", 1, 1), WARNED, findings)
        return Report(POLICY, (result,))

    assert rendered(report(10)).endswith(": 1 warned\n")
    assert rendered(report(11)).endswith(": 1 warned; GitHub shows 10 annotations of a kind, this log has all\n")
    assert rendered(report(11)).count("::warning ") == 11


WARNED = Decision(Verdict.WARN, Verdict.WARN)


def test_a_denial_is_told_even_when_its_findings_are_left_out() -> None:
    bare = only(Report(POLICY, FULL.results), Telling(9))  # type: ignore[arg-type]
    assert rendered(bare) == "3 objects checked against recommended: 1 denied, 1 warned, 1 allowed\n"
    assert rendered(only(FULL, Telling(Severity.CRITICAL))) == rendered(FULL)
