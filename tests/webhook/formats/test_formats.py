"""Formats are found by their names, and each can say everything and nothing."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decision import Decision, Verdict
from policies.profile import Action
from tests.webhook.formats.reports import BROKEN, EMPTY, FIXED, FULL, HOSTILE, POLICY, located
from webhook import formats
from webhook.report import ObjectRef, Report, ReportError, Result, Source


def test_the_format_for_people_comes_first() -> None:
    assert formats.names()[0] == "text"
    assert formats.names()[1:] == ["github", "json", "junit", "markdown", "sarif"]


@pytest.mark.parametrize("name", formats.names())
@pytest.mark.parametrize(
    "report", [EMPTY, FULL, BROKEN, FIXED, HOSTILE], ids=["empty", "full", "broken", "fixed", "hostile"]
)
def test_every_format_renders_text_that_a_terminal_does_not_obey(name: str, report: Report) -> None:
    text = "".join(formats.load(name).render(report, colour=False, verbose=True))
    assert not set(text) & set("\x1b\x9b\u202e")


@given(st.text(st.characters(exclude_categories=())))
def test_no_name_breaks_out_of_any_format(text: str) -> None:
    """Lines stay lines, cells stay cells, and what is to be parsed can be parsed."""
    finding = located(Action.DENY, ("spec", text), text, 1)
    result = Result(
        ObjectRef(text, text, text, text), Source("a", 1, 1), Decision(Verdict.DENY, Verdict.DENY), (finding,)
    )
    report = Report(POLICY, (result,), (ReportError("a", 1, 1, text),))
    shown = {name: "".join(formats.load(name).render(report, colour=False, verbose=False)) for name in formats.names()}

    assert [line[:8] for line in shown["github"].splitlines()] == ["::error ", "::error ", "1 object"]
    [row] = [line for line in shown["markdown"].splitlines() if line.startswith("| deny |")]
    assert len(re.split(r"(?<!\\)\|", row)) == 8
    assert ET.fromstring(shown["junit"]).get("tests") == "2"  # noqa: S314 - our own
    assert len(json.loads(shown["sarif"])["runs"][0]["results"]) == 1
    assert len(json.loads(shown["json"])["results"]) == 1
