"""Field paths: where in an object something stands.

A path is a tuple of keys and indexes, from the object's root: `("spec", "containers", 0, "image")`. It is rendered
once, for people, as `spec.containers[0].image`.
"""

import json
import re

Path = tuple[str | int, ...]

# The star stands for a key that is not known.
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|\*")


def render(path: Path) -> str:
    """The path as people and kubectl write it: `metadata.annotations["a/b"]`, `spec.containers[0].image`.

    It is printable and on one line, whatever the keys are: requesters choose some of them.
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif (step.isidentifier() and step.isascii()) or _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]".replace("\x7f", "\\u007f")  # JSON may hold it as it is
    return text


def pointer(path: Path) -> str:
    """The path as a JSON Pointer (RFC 6901): `/spec/containers/0/image`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
