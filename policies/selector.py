"""Label selectors, as the API server matches them (k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go).

A selector is read as plain data: what is malformed in it selects nothing, and the API server refuses it anyway.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.path import Path

Labels = Mapping[str, str | None]


def matches(selector: Any, labels: Labels) -> bool:
    """Whether a LabelSelector selects what has these labels. None selects nothing, an empty one everything."""
    return selector is not None and next(unmet(selector, labels), None) is None


def unmet(selector: Any, labels: Labels) -> Iterator[tuple[Path, str]]:
    """Each requirement of a LabelSelector that these labels do not meet: its path in the selector, and the key."""
    if not isinstance(selector, Mapping):
        yield (), ""
        return
    for path, key in unmet_labels(selector.get("matchLabels"), labels):
        yield ("matchLabels", *path), key
    expressions = selector.get("matchExpressions")
    for index, expression in enumerate(expressions if isinstance(expressions, list | tuple) else ()):
        if isinstance(expression, Mapping) and not _holds(expression, labels):
            name = expression.get("key")
            yield ("matchExpressions", index), name if isinstance(name, str) else ""


def unmet_labels(wanted: Any, labels: Labels) -> Iterator[tuple[Path, str]]:
    """The same for plain labels, all of which must be there."""
    if not isinstance(wanted, Mapping) or wanted.items() <= labels.items():
        return
    for key, value in wanted.items():
        # A null is decoded as the empty text.
        if key not in labels or (labels[key] or "") != (value or ""):
            yield (key,), key


def _holds(expression: Mapping[Any, Any], labels: Labels) -> bool:
    key, values = expression.get("key"), expression.get("values")
    there = key in labels if isinstance(key, str) else False
    among = there and isinstance(values, list | tuple) and (labels[key] or "") in values  # type: ignore[index]
    match expression.get("operator"):
        case "In":
            return among
        case "NotIn":
            return not among
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
    return False
