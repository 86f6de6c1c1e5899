"""What a namespace says of itself by its labels: the level of Pod Security Admission, and Podgate's mode.

Source: k8s.io/pod-security-admission/api (constants.go, helpers.go: PolicyToEvaluate).
"""

from collections.abc import Mapping
from typing import NamedTuple

from policies.pod import shown
from policies.standard import LATEST, Level, Standard, Version

MODE_LABEL = "podgate.dev/mode"
_PREFIX = "pod-security.kubernetes.io/"
_MODES = ("enforce", "warn", "audit")
MODES = ("enforce", "warn", "audit", "off")
_PRIVILEGED = Standard(Level.PRIVILEGED, LATEST)

Labels = Mapping[str, str]


class Declared(NamedTuple):
    """What the labels declare. None where they say nothing. `problems` are sentences about labels that are wrong."""

    enforce: Standard | None = None
    warn: Standard = _PRIVILEGED
    audit: Standard = _PRIVILEGED
    mode: str | None = None
    problems: tuple[str, ...] = ()


def declared(labels: Labels) -> Declared:
    """Read the labels of a namespace.

    Wrong ones fall back as upstream does: an enforced level to restricted, the others to privileged, a version to
    latest; a mode that is none counts as absent.
    """
    if not any(label.startswith((_PREFIX, MODE_LABEL)) for label in labels):
        return _NOTHING
    problems: list[str] = []
    found = {mode: _standard(labels, mode, problems) for mode in _MODES}
    enforce, warn = found["enforce"], found["warn"]
    if warn is None and enforce is not None and str(enforce.level) == labels[f"{_PREFIX}enforce"]:
        # Upstream: whoever declares a level is warned of it, too; not where the label is wrong.
        given = f"{_PREFIX}warn-version" in labels
        warn = enforce._replace(version=_version(labels, f"{_PREFIX}warn-version", problems)) if given else enforce
    mode = labels.get(MODE_LABEL)
    if mode is not None and mode not in MODES:
        problems.append(f'label {MODE_LABEL} is "{shown(mode)}": write {", ".join(MODES[:-1])} or {MODES[-1]}')
        mode = None
    return Declared(enforce, warn or _PRIVILEGED, found["audit"] or _PRIVILEGED, mode, tuple(problems))


_NOTHING = Declared()


def _standard(labels: Labels, mode: str, problems: list[str]) -> Standard | None:
    level = labels.get(f"{_PREFIX}{mode}")
    if level is None:
        return None
    version = _version(labels, f"{_PREFIX}{mode}-version", problems)
    try:
        return Standard(Level[level.upper()] if level.islower() else Level[""], version)
    except KeyError:
        problems.append(f'label {_PREFIX}{mode} is "{shown(level)}": write privileged, baseline or restricted')
        return Standard(Level.RESTRICTED if mode == "enforce" else Level.PRIVILEGED, version)


def _version(labels: Labels, label: str, problems: list[str]) -> Version:
    text = labels.get(label)
    if text is None:
        return LATEST
    try:
        return Version.parse(text)
    except ValueError:
        problems.append(f'label {label} is "{shown(text)}": write latest or v1.N, as in {LATEST}')
        return LATEST
