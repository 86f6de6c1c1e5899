"""Whatever is written in whatever style: an edit means what it should and keeps every comment, or it is refused."""

import json
import re
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from policies import patch
from policies.patch import Operation
from policies.path import Path
from tests.webhook.manifest.test_properties import only, paths
from webhook.manifest.edit import EditError, apply, splices

WORDS = st.sampled_from(["a", "b", "c", "name", "x/y", "ä", "on", "1.0", "a: b", "- x", "#x", "", "it's", 'a"b', " b"])
TEXTS = WORDS | st.sampled_from(
    ["null", "~", "2024-01-01", "12:30:45", "0x1f", "a\nb\n", "\tx", "C:\\x", "é😀", "a:", "?"]
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from([1.5, 1e300]) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)
ROOTS = st.dictionaries(WORDS, VALUES, min_size=1, max_size=4)


class Author:
    """Writes YAML in the styles of many people, and a comment wherever there can be one."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.comments = 0

    def chance(self, *choices: str) -> str:
        return self.data.draw(st.sampled_from(choices))

    def comment(self) -> str:
        self.comments += 1
        return f"# comment {self.comments}."

    def behind(self) -> str:
        return self.chance("", "", "", "  ", "\t") or self.chance("", "", "", " " + self.comment())

    def between(self, indent: str) -> list[str]:
        return self.data.draw(st.sampled_from([[], [], [], [""], [indent + self.comment()], [self.comment(), ""]]))

    def scalar(self, value: Any, *, flow: bool = False) -> str:
        if isinstance(value, str):
            if self.chance("'", '"') == "'" and value.isprintable():
                return "'" + value.replace("'", "''") + "'"
            return value if value in ("a", "b", "c", "name") and not flow else json.dumps(value, ensure_ascii=False)
        return self.chance("null", "~", "Null") if value is None else json.dumps(value)

    def flow(self, value: Any, indent: str) -> str:
        gap = self.chance("", " ", "\n" + indent + "  ", " " + self.comment() + "\n" + indent)
        if isinstance(value, dict):
            pairs = [f"{self.scalar(k, flow=True)}: {self.flow(v, indent + '  ')}" for k, v in value.items()]
            return "{" + gap + ("," + (gap or " ")).join(pairs) + (gap or " ") + "}"
        if isinstance(value, list):
            return "[" + gap + ("," + gap).join(self.flow(v, indent + "  ") for v in value) + gap + "]"
        return self.scalar(value, flow=True)

    def beside(self, value: Any, indent: str) -> str:
        """What stands in one line behind a key or a dash."""
        if isinstance(value, dict | list):
            return self.flow(value, indent + " ")
        if isinstance(value, str) and value.endswith("\n"):
            return (
                "|"
                + self.chance("", " " + self.comment())
                + f"\n{indent}  "
                + value[:-1].replace("\n", f"\n{indent}  ")
            )
        return self.scalar(value) if value is not None or self.chance("", "x") else ""

    def block(self, value: Any, indent: str) -> list[str]:
        lines = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            lines += self.between(indent)
            head = indent + (self.scalar(key) + ":" if isinstance(value, dict) else "-")
            if not item or not isinstance(item, dict | list) or self.chance("block", "block", "flow") == "flow":
                text = self.beside(item, indent)
                lines.append(f"{head} {text}" + (self.behind() if text and not text.startswith("|") else ""))
            elif isinstance(value, list) and self.chance("beside", "below") == "beside":
                first, *others = self.block(item, indent + "  ")
                if not first.strip().startswith("#") and first.strip():
                    lines += [head + " " + first.strip(" "), *others]
                else:
                    lines += [head, first, *others]
            else:
                by = self.chance("  ", "    ", "" if isinstance(item, list) and isinstance(value, dict) else " ")
                lines += [head + self.behind().replace("\t", " "), *self.block(item, indent + by)]
        return lines


@st.composite
def operation(draw: st.DrawFn, value: Any) -> Operation:
    path: Path = draw(st.sampled_from([path for path in paths(value) if path]))
    op = draw(st.sampled_from(["add", "replace", "remove", "into"]))
    if op == "into":
        inside = value
        for step in path:
            inside = inside[step]
        if isinstance(inside, dict):
            path += (draw(WORDS),)
        elif isinstance(inside, list):
            path += (draw(st.just("-") | st.integers(0, len(inside))),)
        op = "add"
    return Operation(op, path, None if op == "remove" else draw(VALUES))  # type: ignore[arg-type]


def edited(text: str, data: st.DataObject) -> tuple[str | None, list[Operation]]:
    document = only(text)
    operations: list[Operation] = []
    for _ in range(data.draw(st.integers(1, 3))):
        changed = patch.apply(document.value, operations)
        if changed:
            operations.append(data.draw(operation(changed)))
    try:
        found = splices(document, operations)
    except EditError as error:
        event(str(error))
        return None, operations
    event("edited")
    after = apply(text, found)
    assert only(after).value == patch.apply(document.value, operations)
    return after, operations


@settings(max_examples=200)
@given(ROOTS, st.data())
def test_yaml(value: dict[str, Any], data: st.DataObject) -> None:
    author = Author(data)
    text = "\n".join(author.block(value, ""))
    text += author.chance("" if "|" not in text else "\n", "\n", "\n# the end\n", "\n...\n# x\n")
    assert only(text).value == value
    after, operations = edited(text, data)
    if after is not None:
        lost = [comment for comment in re.findall(r"# comment \d+\.", text) if comment not in after]
        assert not lost or any(takes(each) for each in operations)
        if len(operations) == 1:
            line, _ = only(text).place(operations[0].path[:-1])
            before = "\n".join(text.split("\n")[: line - 1])
            assert not any(comment in before for comment in lost)


def takes(operation: Operation) -> bool:
    """Whether it may remove entries, with the comments that are theirs."""
    return operation.op == "remove" or isinstance(operation.value, dict | list)


@settings(max_examples=100)
@given(ROOTS, st.sampled_from([None, 1, 4, "\t"]), st.data())
def test_json(value: dict[str, Any], indent: int | str | None, data: st.DataObject) -> None:
    text = json.dumps(value, indent=indent, separators=data.draw(st.sampled_from([None, (",", ":")])))
    after, _ = edited(text, data)
    if after is not None:
        json.loads(after)
