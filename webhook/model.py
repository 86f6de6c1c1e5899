"""The classifier's model in a file: read and verified before anything is judged by it, and written."""

from pathlib import Path

import msgspec

from policies.risk import classifier
from policies.risk.classifier import MAX_BYTES, Classifier, Model, ModelError


def load_model(path: Path) -> Classifier:
    """The model of a file. Raises ModelError, which names it."""
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is not a file")  # opening a pipe would wait for whoever writes
    try:
        with path.open("rb") as file:
            return classifier.read(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def as_file(model: Model) -> bytes:
    """What a file of it holds: for people who compare files. Raises ModelError if nobody could read it."""
    content = msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n"
    classifier.read(content)
    return content
