"""What is read of an object, of a policy or of a list is never changed: reviews share it, and caches keep it."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from msgspec import Struct
from msgspec.structs import StructConfig

import policies

#: Filled while a script is taken apart, and seen by nobody before.
GROWING = {"policies.shell.Command"}


def classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(policies.__path__, "policies."):
        if not module.name.startswith("policies.risk.training"):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and value.__module__ == module.name:
                    yield value


def is_frozen(kind: type) -> bool | None:
    """None for what is neither a struct nor a dataclass."""
    if issubclass(kind, Struct):
        config: StructConfig = kind.__struct_config__
        return config.frozen
    return kind.__dataclass_params__.frozen if dataclasses.is_dataclass(kind) else None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "kind", [kind for kind in classes() if is_frozen(kind) is not None], ids=lambda kind: kind.__qualname__
)
def test_structs_and_dataclasses_are_frozen(kind: type) -> None:
    assert is_frozen(kind) is (f"{kind.__module__}.{kind.__qualname__}" not in GROWING)
