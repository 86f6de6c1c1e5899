from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Image with the tag latest, or none",
    severity=Severity.MEDIUM,
    references=("Kubernetes documentation: Images", "MITRE ATT&CK T1525"),
    remediation="Name a release by its tag or its digest.",
)
def image_tag_latest(pod: Pod) -> Iterator[Violation]:
    """The tag latest moves: what runs after the next restart is what was pushed last, whoever pushed it. Two replicas
    may run different programs, nobody can tell which version has a flaw, and there is nothing to roll back to.

    Legitimate on a developer's machine. With a digest beside it the tag is only a comment.
    """
    for container in pod.containers:
        image = container.image
        if image is None or image.digest or image.tag not in ("", "latest"):
            continue
        problem = "has the tag latest" if image.tag else "has no tag, which means latest"
        yield Violation(container.at("image"), f"{problem} ({container})")
