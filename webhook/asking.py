"""What a review may ask of others, and what it is told: facts of namespaces, who may override, and what owners are.

Facts of namespaces are at hand when a review comes. Everything else is a question: the review is judged as far as it
goes, the questions are asked in the time that is left, and it is judged again with the answers.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from policies.identity import Requester


class MayOverride(Struct, frozen=True):
    """Whether somebody may lift a rule: the verb `override` on rules.podgate.dev, named by the rule, in a namespace.

    `name` is the workload's; it is told, and does not change the answer.
    """

    requester: Requester
    rule: str
    namespace: str
    name: str


class OwnerOf(Struct, frozen=True):
    """An object that another one says it was made by."""

    api_version: str
    kind: str
    namespace: str
    name: str


class NamespaceOf(Struct, frozen=True):
    """A namespace that is not known yet."""

    name: str


Question = MayOverride | OwnerOf | NamespaceOf
#: What came of a question: yes or no, the object, or None where nobody could say in time.
Answer = bool | Mapping[str, Any] | None


class Namespaces(Protocol):
    """Facts of namespaces, kept current beside the reviews. It never waits."""

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None where they are not known (or the namespace is not)."""
        ...


class Authority(Protocol):
    """Answers questions, within some seconds."""

    async def ask(self, question: Question, seconds: float) -> Answer:
        """None where nobody could say in time. It never raises."""
        ...


class Plain:
    """Where there is no cluster and no file: namespaces are taken to have no labels."""

    def labels(self, namespace: str) -> Mapping[str, str] | None:  # noqa: ARG002
        return {}
