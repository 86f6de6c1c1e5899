"""The policy that a command is told to use: a file, or a profile."""

import click

from policies import config, profile
from policies.config import MAX_BYTES, Policy, PolicyError
from webhook.commands import BadInputError


def policy_of(name: str | None, file: str | None, pss_version: str | None = None) -> Policy:
    """The policy in this file, else this profile, else the default one. Raises click's errors."""
    if file is not None and (name is not None or pss_version is not None):
        raise click.UsageError(
            "--policy says the profile and the version itself: leave out --profile and --pss-version"
        )
    if file is not None:
        return compiled(text_of(file), file)
    try:
        return config.of_profile(name or profile.DEFAULT, pss_version or "latest")
    except PolicyError as error:
        raise BadInputError(str(error)) from error


def compiled(text: str, file: str) -> Policy:
    """The policy of a text, which this file holds. Raises click's errors."""
    try:
        return config.parse(text)
    except PolicyError as error:
        raise BadInputError(error.told(_shown(file))) from error


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
