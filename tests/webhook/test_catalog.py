"""The catalogue: every rule can be told, in every way."""

import pytest

from policies import registry
from policies.profile import Action
from policies.rule import Rule
from webhook import catalog

PRIVILEGED = registry.by_name()["privileged"]


@pytest.mark.parametrize("rule", registry.load(), ids=lambda rule: rule.id)
def test_every_rule_can_be_explained(rule: Rule) -> None:
    text = "".join(catalog.explain(rule))
    page = "".join(catalog.markdown(rule))
    for told in (rule.id, rule.title, str(rule.severity), rule.description, rule.remediation, *rule.references):
        assert told in text
        assert told in page
    assert "\nBad (" in text
    assert "\nGood (" in text
    assert page.count("```") == 4


def test_the_good_example_is_the_one_that_is_most_like_the_bad_one() -> None:
    bad, good = catalog.examples(PRIVILEGED)
    assert bad == catalog.Example(
        "the only container", "spec:\n  containers:\n  - name: web\n    securityContext:\n      privileged: true\n"
    )
    assert good == catalog.Example(
        "explicitly off", "spec:\n  containers:\n  - name: web\n    securityContext:\n      privileged: false\n"
    )


def test_an_entry_holds_words() -> None:
    found = catalog.entry(PRIVILEGED, Action.DENY)
    assert (found.id, found.severity, found.level, found.since, found.action) == (
        "privileged", "critical", "baseline", "v1.0", "deny",
    )  # fmt: skip
    assert catalog.entry(PRIVILEGED).action is None


def test_a_table_has_only_the_columns_that_say_something() -> None:
    assert list(catalog.table([catalog.entry(PRIVILEGED)])) == [
        "RULE        SEVERITY  LEVEL     TITLE\n",
        "privileged  critical  baseline  Privileged container\n",
    ]
    assert list(catalog.table([catalog.entry(PRIVILEGED, Action.WARN)])) == [
        "RULE        SEVERITY  LEVEL     ACTION  TITLE\n",
        "privileged  critical  baseline  warn    Privileged container\n",
    ]
    assert list(catalog.table([])) == []
