"""Output formats: a module here is a format of its name, and knows the report only."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol, cast

from webhook.report import Fixes, Report


class Format(Protocol):
    """What a module in this package offers.

    It may also offer `complain(report, *, colour)`: what is to be said on standard error; `FIXES`: what it tells of
    fixes; and `EVERYTHING = True`: that it tells also what is only recorded, without being asked for it.
    """

    def render(self, report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:
        """The report, in pieces of text. `verbose`: also what nothing is to be said about."""
        ...


def names() -> list[str]:
    """The formats there are; the one for people comes first."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return sorted(found, key=lambda name: name != "text")


def fixes(chosen: Format) -> Fixes:
    """What a format tells of fixes."""
    return cast("Fixes", getattr(chosen, "FIXES", Fixes.NONE))


def load(name: str) -> Format:
    """A format. The name must be one of `names()`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))
