"""`make rule ID=host-clock`: the two files of a new rule, ready to be filled in.

usage: python -m tests.scaffold CATEGORY ID   (an empty category is guessed from the id)
"""

import re
import sys
from pathlib import Path

RULES = Path(__file__).parent.parent / "policies" / "rules"

MODULE = '''from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="{title}",
    severity=Severity.MEDIUM,
    references=("Who asks for it: CIS, NSA/CISA, MITRE ATT&CK",),
    remediation="Set the field to a safe value.",
)
def {stem}(pod: Pod) -> Iterator[Violation]:
    """What an attacker gains from it.

    When the setting is legitimate.
    """
    for container in pod.containers:
        if container.security.privileged:  # the field that this rule is about; policies/pod.py has them all
            yield Violation(container.at("securityContext", "privileged"), f"is true ({{container}})")
'''

EXAMPLES = """good:
  - name: not set
    pod: {containers: [{name: web}]}
bad:
  - name: set
    pod: {containers: [{name: web, securityContext: {privileged: true}}]}
    at: ["spec.containers[0].securityContext.privileged"]
"""


def main(category: str, rule_id: str) -> int:
    """Write the files, and say what to do next. Returns the exit code."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule_id):
        return _complain(f'"{rule_id}" is not a rule id. Name the bad thing in kebab-case: make rule ID=host-clock')
    stem = rule_id.replace("-", "_")
    if taken := [*RULES.glob(f"*/{stem}.py")]:
        return _complain(f"the rule exists: {taken[0].relative_to(RULES.parent.parent)}")
    folder = RULES / (category or _guess(stem)).replace("-", "_")
    folder.mkdir(exist_ok=True)
    init = folder / "__init__.py"
    if not init.exists():
        init.write_text(f'"""Rules about {folder.name}."""\n')
    title = rule_id.replace("-", " ").capitalize()
    for file, text in (
        (folder / f"{stem}.py", MODULE.format(title=title, stem=stem)),
        (folder / f"{stem}.yaml", EXAMPLES),
    ):
        file.write_text(text)
        sys.stdout.write(f"wrote {file.relative_to(RULES.parent.parent)}\n")
    sys.stdout.write("Write the check and its examples, then: make generate, make test\n")
    return 0


def _guess(stem: str) -> str:
    """The category that the id begins with, else the one of the rule whose first word it shares."""
    first = stem.split("_", maxsplit=1)[0]
    for folder in sorted(RULES.iterdir()):
        if folder.is_dir() and (folder.name == first or any(folder.glob(f"{first}_*.py"))):
            return folder.name
    return "workload"


def _complain(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]) if len(sys.argv) == 3 else _complain(__doc__ or ""))
