"""What rules say of their bad examples. After a change: python -m tests.policies.messages"""

from collections.abc import Iterator
from pathlib import Path

from policies import registry
from policies.rule import Rule
from tests.policies import examples
from tests.policies.examples import Examples

FILE = Path(__file__).with_name("messages.txt")


def of(rule: Rule) -> Iterator[str]:
    """Each message of a rule once, in the order of its examples."""
    cases = Examples.of(rule).bad
    found = (finding.message for case in cases for finding in examples.findings(rule, case, examples.obj(case)))
    return iter(dict.fromkeys(f"{rule.id}: {message}" for message in found))


def recorded(rule: Rule) -> list[str]:
    """Those that the file has."""
    return [line for line in FILE.read_text("utf-8").splitlines() if line.startswith(f"{rule.id}: ")]


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for rule in registry.load() for line in of(rule)), "utf-8")
