"""How much the tests notice: a seeded sample of small mistakes, put into the code one at a time.

usage: python -m benchmarks.mutants GROUP [--sample N] [--seed N]   (GROUP: override, policies, rules, risk)

Each mistake is made in a forked process, in the syntax tree of one module while it is imported; no file changes. The
tests of that module come first, then what else the group has; a mistake that no test notices is printed, to be read.
"""

import argparse
import ast
import importlib
import itertools
import math
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
ALONE = ("__init__", "overrides", "covered", "signature")  # the last three are a group of their own


class Group(NamedTuple):
    """Modules, and arguments for pytest that may notice a mistake in them: what notices most at least cost first."""

    files: list[str]
    stages: list[list[str]]


def named(*patterns: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for pattern in patterns for file in ROOT.glob(pattern))


def tests(folder: str, *names: str) -> list[str]:
    return named(*(f"tests/{folder}/test_{name}.py" for name in names))


RULES = tests("policies", "rules")
EXAMPLES = [*RULES, "-k", "good_is_silent or bad_fires_at_exactly or recorded or every_fix or together"]
READING = tests("policies", "shell", "command", "secret", "resource", "config")
RISK, GROWTH = tests("policies/risk", "[!ag]*", "assess"), tests("policies/risk", "growth", "apart")
OTHER = [
    *(file for file in tests("policies", "*") if file not in RULES + READING),
    *tests("policies/lists", "*"),
    *tests("policies/risk", "features", "observe"),
]
DOORS = [
    *tests("webhook", "check", "admission"),
    "tests/webhook/formats",
    "tests/docs/test_docs.py::test_the_generated_pages_are_current",
]
GROUPS = {
    "override": Group(
        ["policies/overrides.py", "policies/covered.py", "policies/signature.py", "webhook/grants.py"],
        [
            [*tests("policies", "overrides", "signature"), *tests("webhook", "grants")],
            [*tests("policies", "decision"), *tests("webhook", "override", "asks", "recall")],
        ],
    ),
    "policies": Group(
        [file for file in named("policies/*.py") if Path(file).stem not in ALONE],
        [READING, EXAMPLES, OTHER, DOORS],
    ),
    "rules": Group(named("policies/rules/*/*.py"), [[*READING, *OTHER], DOORS]),
    "risk": Group(named("policies/risk/*.py"), [RISK, GROWTH, tests("policies/risk/training", "fit", "card")]),
}
SECONDS = 120
LIBRARIES = ("cryptography.hazmat.primitives.serialization", "msgspec", "pydantic", "yaml")
SWAPS: dict[type[ast.AST], type[ast.AST]] = {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.In: ast.NotIn}
SWAPS |= {ast.Is: ast.IsNot, ast.And: ast.Or, ast.Add: ast.Sub, ast.Mult: ast.FloorDiv, ast.BitOr: ast.BitAnd}
SWAPS |= {ast.LShift: ast.RShift, ast.Break: ast.Continue}
SWAPS |= {new: old for old, new in SWAPS.items()}
Spot = tuple[ast.AST, str, int | None, ast.AST]


class Mutant(NamedTuple):
    line: int
    what: str
    code: CodeType


def spots(node: ast.AST, annotates: bool = False) -> Iterator[Spot]:
    """Every holder, field and position where something else may stand, and what."""
    for name, value in ast.iter_fields(node):
        for position, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(item, ast.AST) and not says_nothing(item):
                here = annotates or name in ("annotation", "returns")
                yield from ((node, name, position, other) for other in others(item, name, here))
                yield from spots(item, here)


def says_nothing(node: ast.AST) -> bool:
    """A docstring, or `__all__`."""
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def others(node: ast.AST, name: str, annotates: bool) -> Iterator[ast.AST]:
    """Of an annotation only its numbers are changed: bounds stand there, and what people read."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case _ if annotates:
            return
        case ast.Constant(value=str(value) | bytes(value)):
            yield ast.Constant(type(value)() if value else "mutant" if isinstance(value, str) else b"mutant")
        case ast.Return(value=ast.AST() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield ast.Pass()
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case _ if type(node) in SWAPS:
            yield SWAPS[type(node)]()
        case ast.expr() if name in ("test", "ifs"):
            yield ast.UnaryOp(ast.Not(), node)


def mutant(file: str, number: int) -> Mutant:
    text = (ROOT / file).read_text()
    tree = ast.parse(text)
    holder, name, position, other = next(itertools.islice(spots(tree), number, None))
    old = getattr(holder, name) if position is None else getattr(holder, name)[position]
    line = next(each.lineno for each in (old, holder, *ast.walk(holder)) if hasattr(each, "lineno"))
    what = f"{told(old)} -> {told(other)} in: {text.splitlines()[line - 1].strip()}"
    if position is None:
        setattr(holder, name, other)
    else:
        getattr(holder, name)[position] = other
    return Mutant(line, what, compile(ast.fix_missing_locations(tree), str(ROOT / file), "exec"))


def told(node: ast.AST) -> str:
    text = "" if isinstance(node, ast.boolop | ast.operator | ast.cmpop) else ast.unparse(node)
    return " ".join(text.split())[:100] or type(node).__name__


def is_noticed(code: CodeType | None, stage: list[str]) -> bool:
    """Whether a test fails, or does not come to an end."""
    if (child := os.fork()) == 0:
        os._exit(run(code, stage))
    end = time.monotonic() + SECONDS
    while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    return found[1] != 0


def run(code: CodeType | None, stage: list[str]) -> int:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if code is not None:
        code_of = SourceFileLoader.get_code
        SourceFileLoader.get_code = lambda self, name: code if self.path == code.co_filename else code_of(self, name)
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *stage]) not in (0, 5))  # 5: there was none


def interval(noticed: int, tried: int) -> str:
    """Wilson's, 95 %."""
    z, share = 1.96, noticed / tried
    middle, half = share + z * z / 2 / tried, z * math.sqrt(share * (1 - share) / tried + z * z / 4 / tried / tried)
    low, high = (100 * (middle + sign * half) / (1 + z * z / tried) for sign in (-1, 1))
    return f"{100 * share:.1f} % ({low:.1f} to {high:.1f})"


def near(file: str) -> list[str]:
    """The tests of the module itself."""
    folder, name = Path(file).parent, Path(file).stem
    if file.startswith("policies/rules/"):
        return [*RULES, "-k", name.replace("_", "-")]
    return tests(str(folder), name)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("group", choices=GROUPS)
    asked.add_argument("--sample", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    files, stages = GROUPS[given.group]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    every = list(hypothesis.HealthCheck)
    hypothesis.settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, suppress_health_check=every
    )
    hypothesis.settings.load_profile("mutants")
    for library in LIBRARIES:  # once, and not for each mistake
        importlib.import_module(library)
    if any(is_noticed(None, stage) for stage in stages):
        sys.exit("the tests fail as it is")
    places = [(file, number) for file in files for number, _ in enumerate(spots(ast.parse((ROOT / file).read_text())))]
    sample = random.Random(given.seed).sample(places, min(given.sample, len(places)))  # noqa: S311 - repeatable
    noticed = 0
    for count, (file, number) in enumerate(sample, 1):
        made = mutant(file, number)
        found = any(is_noticed(made.code, stage) for stage in (near(file), *stages) if stage)
        noticed += found
        if not found:
            print(f"{file}:{made.line}: {made.what}", flush=True)
        if count % 25 == 0 or count == len(sample):
            print(f"{noticed} of {count} noticed, of {len(places)} in all: {interval(noticed, count)}", flush=True)


if __name__ == "__main__":
    main()
