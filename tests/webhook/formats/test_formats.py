"""Formats are found by their names, and each can say everything and nothing."""

import pytest

from tests.webhook.formats.reports import EMPTY, FULL
from webhook import formats
from webhook.report import Report


def test_the_format_for_people_comes_first() -> None:
    assert formats.names()[0] == "text"
    assert "json" in formats.names()


@pytest.mark.parametrize("name", formats.names())
@pytest.mark.parametrize("report", [EMPTY, FULL], ids=["empty", "full"])
def test_every_format_renders_text_that_a_terminal_does_not_obey(name: str, report: Report) -> None:
    text = "".join(formats.load(name).render(report, colour=False, verbose=True))
    assert not set(text) & set("\x1b\x9b\u202e")
