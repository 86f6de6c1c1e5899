from collections.abc import Iterator

from policies.path import Path
from policies.pod import Container, Pod, shown
from policies.rule import Drop, Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    """Take the earlier one away, where nothing rests on it, and one at a time: the others move up then.

    What follows may name it, as $(NAME), and a later one from elsewhere (optional: true) may turn out not to be there.
    """
    container = next(found for found in pod.containers if found.at() == path[:3])
    index, last, name = next(_duplicates(container))
    following = [variable for variable in container.env[index + 1 : last + 1] if variable is not None]
    named = any(f"$({name})" in (variable.value or "") for variable in following)
    if path[-1] == index and following[-1].value_from is None and not named:
        yield Drop(path)


@rule(
    title="Environment variable defined twice",
    severity=Severity.LOW,
    references=("k8s.io/kubernetes/pkg/api/pod/warnings.go",),
    remediation="Keep one definition: the last one counts, and `kubectl apply` may drop either.",
    fix=_fix,
)
def env_duplicate(pod: Pod) -> Iterator[Violation]:
    """The last definition counts, so that a reviewer who sees the first one is misled: a safe value at the top of a
    long list says nothing when the same name comes again further down. `kubectl apply` merges the list by name and may
    keep either of the two.

    Legitimate where a later value extends an earlier one, as in PATH=$(PATH):/opt/bin, but that is safer in one line.
    """
    for container in pod.containers:
        names = [variable.name for variable in container.env if variable is not None]
        if len(set(names)) < len(names):
            for index, _, name in _duplicates(container):
                message = f"defines {shown(name)}, which is defined again further down ({container})"
                yield Violation(container.at("env", index), message)


def _duplicates(container: Container) -> Iterator[tuple[int, int, str]]:
    """Where a variable is defined that is defined again later, where that is for the last time, and its name.

    The last of them comes first.
    """
    seen: dict[str, int] = {}
    for index in range(len(container.env) - 1, -1, -1):
        variable = container.env[index]
        if variable is not None and variable.name and (last := seen.setdefault(variable.name, index)) != index:
            yield index, last, variable.name
