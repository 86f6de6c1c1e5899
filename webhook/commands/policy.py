"""The policy that a command is told to use: a file, or a profile."""

from pathlib import Path

import click

from policies import config, profile
from policies.config import MAX_BYTES, Policy, PolicyError
from policies.risk.classifier import Classifier, ModelError, shipped
from webhook.commands import BadInputError
from webhook.model import load_model


def policy_of(name: str | None, file: str | None, pss_version: str | None = None, model: str | None = None) -> Policy:
    """The policy in this file, else this profile, else the default one. Raises click's errors.

    `model` is the file of another classifier than the one that comes with Podgate.
    """
    if file is not None and (name is not None or pss_version is not None):
        raise click.UsageError(
            "--policy says the profile and the version itself: leave out --profile and --pss-version"
        )
    if file is not None:
        return compiled(text_of(file), file, model_of(model))
    try:
        return config.of_profile(name or profile.DEFAULT, pss_version or "latest", model_of(model))
    except PolicyError as error:
        raise BadInputError(str(error)) from error


def model_of(file: str | None) -> Classifier:
    """The classifier of a file, else the one that comes with Podgate. Raises click's errors."""
    try:
        return load_model(Path(file)) if file is not None else shipped()
    except ModelError as error:
        raise BadInputError(str(error)) from error


def compiled(text: str, file: str, model: Classifier | None = None) -> Policy:
    """The policy of a text, which this file holds. Raises click's errors."""
    try:
        return config.parse(text, model)
    except PolicyError as error:
        raise BadInputError(error.told(_shown(file))) from error
    except ModelError as error:
        raise BadInputError(str(error)) from error


def text_of(file: str) -> str:
    """What a file holds, or standard input (-). Raises click's errors."""
    try:
        with click.open_file(file, "rb") as stream:
            return str(stream.read(MAX_BYTES + 1), "utf-8")
    except OSError as error:
        raise BadInputError(f"{_shown(file)} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{_shown(file)} is not UTF-8: {error}") from error


def _shown(file: str) -> str:
    return "stdin" if file == "-" else file
