"""The summary of a job: what it says, that names stay code, and that it fits into GitHub's megabyte."""

import re

import pytest

from policies.decision import Decision, Verdict
from policies.profile import Action
from tests.webhook.formats.reports import BROKEN, EMPTY, FULL, HOSTILE, POLICY, PRIVILEGED, located, only
from webhook.formats import markdown
from webhook.report import ObjectRef, Report, ReportError, Result, Source, Telling


def rendered(report: Report) -> str:
    return "".join(markdown.render(report, colour=True, verbose=True))


def test_everything() -> None:
    web = "`deployment.apps/web (namespace shop)`"
    first = '`spec.containers[0].x is true (container "a")`'
    second = '`spec.containers[1].x is true (container "\\x1b[31mred\\n\\u202e\\x9b")`'
    assert (
        rendered(FULL)
        == f"""\
## Podgate: 1 denied, 1 warned, 1 allowed, 2 not judged

3 objects checked against `recommended`; 3 findings (3 critical); ignored 2 documents that are not Kubernetes objects.

### Could not be judged

- `c.yaml:4`: `is not YAML: \\x1b[31mred\\n\\u202e\\x9b`
- `gone.yaml`: `cannot be read: No such file or directory`

### Findings

| action | severity | rule | where | object | what |
|---|---|---|---|---|---|
| deny | critical | `privileged` | `a.yaml:12` | {web} | {first} |
| deny | critical | `privileged` | `a.yaml:14` | {web} | {second} |
| warn | critical | `privileged` | `b.yaml:3` | `pod/(no name)` | `spec.hostPID is true` |

### What to do

- **privileged**: {PRIVILEGED.remediation}
"""
    )


def test_nothing() -> None:
    assert rendered(EMPTY) == "## Podgate: nothing to check\n\n0 objects checked against `recommended`.\n"


def test_errors_only() -> None:
    assert rendered(BROKEN).startswith(
        "## Podgate: 2 not judged\n\n0 objects checked against `recommended`.\n\n### Could"
    )
    assert "### Findings" not in rendered(BROKEN)


def test_what_is_left_out_is_told() -> None:
    bare = only(Report(POLICY, FULL.results), Telling(9))  # type: ignore[arg-type]
    assert rendered(bare) == (
        "## Podgate: 1 denied, 1 warned, 1 allowed\n\n3 objects checked against `recommended`; 3 not shown.\n"
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a|b\\", "`a|b\\`"),
        ("<b>*x*</b> @me http://x [a](b)", "`<b>*x*</b> @me http://x [a](b)`"),
        ("a`b``c", "```a`b``c```"),
        ("`", "`` ` ``"),
        ("a\n| b |\n", "`a\\n| b |\\n`"),
        ("", "` `"),
        ("x" * 301, f"`{'x' * 300}...`"),
    ],
)
def test_a_name_is_code_whatever_it_holds(name: str, code: str) -> None:
    report = Report(POLICY, errors=(ReportError("a", None, None, name),))
    assert rendered(report).splitlines()[-1] == f"- `a`: {code}"


@pytest.mark.parametrize(
    ("name", "cell"),
    [("a|b", "`a\\|b`"), ("a\\|b", "`a\\ \\|b`"), ("a\\\\|b", "`a\\\\ \\|b`"), ("a\\", "`a\\`"), ("`|", "`` `\\| ``")],
)
def test_a_pipe_does_not_end_a_cell(name: str, cell: str) -> None:
    """With a backslash it is a pipe; a pipe after a backslash gets a space before it, or the backslashes would pair."""
    assert markdown._cell(name) == cell


def test_a_hostile_row_has_six_cells() -> None:
    [row] = [line for line in rendered(HOSTILE).splitlines() if line.startswith("| deny")]
    cells = re.split(r"(?<!\\)\|", row)
    assert len(cells) == 8
    for cell in cells[3:-1]:
        text = cell.strip()
        fence = re.match("`+", text)
        assert fence is not None
        assert text.endswith(fence[0])
        assert not re.search(f"(?<!`){fence[0]}(?!`)", text[len(fence[0]) : -len(fence[0])])


def report(findings: int, message: str, errors: int = 0) -> Report:
    found = tuple(located(Action.DENY, ("spec",), message, line) for line in range(1, findings + 1))
    denied = Decision(Verdict.DENY, Verdict.DENY)
    result = Result(ObjectRef("v1", "Pod", "", message), Source(message, 1, 1), denied, found)
    return Report(POLICY, (result,), tuple(ReportError(message, 1, 1, message) for _ in range(errors)))


def test_long_lists_end_with_how_many_more_there_are() -> None:
    text = rendered(report(1_234, "x", errors=150))
    assert (text.count("| deny "), text.count("\n- `x:1`")) == (1_000, 100)
    assert "\n\n... and 234 more.\n" in text
    assert "\n\n... and 50 more.\n" in text
    assert "more." not in rendered(report(1_000, "x", errors=100))


@pytest.mark.parametrize("char", ["x", "|", "漢", "\x00"])
def test_it_is_never_larger_than_github_takes(char: str) -> None:
    text = rendered(report(2_000, char * 5_000, errors=2_000))
    assert len(text.encode()) < 1024 * 1024
    shown, more = text.count("| deny "), re.findall(r"\.\.\. and ([0-9,]+) more\.", text)[-1]
    assert shown + int(more.replace(",", "")) == 2_000
