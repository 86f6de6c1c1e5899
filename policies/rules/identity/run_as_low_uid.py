from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from policies.pod import Pod
from policies.rule import Options, Severity, Violation, rule


class Lowest(Options, frozen=True):
    """Which numbers are low."""

    min: Annotated[int, Meta(ge=1, description="The lowest runAsUser that is accepted.")] = 10_000


@rule(
    title="User that the host may have too",
    severity=Severity.LOW,
    references=("NSA/CISA: Pod security", "CIS 5.2.7", "MITRE ATT&CK T1611"),
    remediation="Set runAsUser to a number of at least 10000 that no user of the node has.",
)
def run_as_low_uid(pod: Pod, options: Lowest) -> Iterator[Violation]:
    """Numbers of users mean the same in a container and on its node. Below 10000 they are likely to belong to somebody
    there: an attacker who gets out of the container, or at a folder of the host, then owns that user's files. Without
    runAsUser the image decides, mostly for root.

    Legitimate for images whose files belong to a fixed low user; a user namespace (hostUsers: false) is the better
    answer. Not asked of Windows pods, which do not know the field (KEP-2802).
    """
    if pod.windows:
        return
    for container in pod.containers:
        number = container.run_as_user
        if number is None or number < options.min:
            problem = "is not set" if number is None else f"is {number} in effect, below {options.min}"
            yield Violation(container.at("securityContext", "runAsUser"), f"{problem} ({container})")
