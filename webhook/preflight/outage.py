"""What would happen with every replica down: which requests hang on an answer, and whether the cluster lives on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from policies.identity import SYSTEM_NAMESPACES
from webhook.preflight.configuration import NEW_POD, Configuration, Hook, Request
from webhook.preflight.report import Check, Held, Result

Labels = Mapping[str, str]
#: The labels of every namespace, by name.
Namespaces = Mapping[str, Labels]
#: The label that the API server itself writes, on every namespace.
NAME_LABEL = "kubernetes.io/metadata.name"
_LONG_SECONDS = 10
_MIRROR = "kubernetes.io/config.mirror"
_SHOWN = 5


class _Vital(NamedTuple):
    """Requests that a cluster lives on, and what becomes of it without them."""

    name: str
    requests: tuple[Request, ...]
    loss: str


def _changes(group: str, resource: str, *, namespaced: bool = True) -> tuple[Request, ...]:
    return tuple(Request(group, resource, operation, namespaced) for operation in ("CREATE", "UPDATE"))


_VITAL = (
    _Vital(
        "leases",
        _changes("coordination.k8s.io", "leases"),
        "nodes that cannot renew theirs are taken for dead, and controllers lose their leaders",
    ),
    _Vital(
        "nodes",
        (*_changes("", "nodes", namespaced=False), *_changes("", "nodes/status", namespaced=False)),
        "nodes can neither register nor tell how they are",
    ),
    _Vital(
        "certificate signing requests",
        _changes("certificates.k8s.io", "certificatesigningrequests", namespaced=False),
        "nodes get no certificates",
    ),
    _Vital("events", (*_changes("", "events"), *_changes("events.k8s.io", "events")), "nobody learns what is wrong"),
    _Vital(
        "status and binding of pods",
        (
            *_changes("", "pods/status"),
            *_changes("", "pods/binding"),
            *_changes("", "bindings"),
            Request("", "pods/eviction", "CREATE"),
            Request("", "pods", "DELETE"),
        ),
        "pods are neither placed nor evicted, and their state is not known",
    ),
    _Vital(
        "endpoints",
        (*_changes("", "endpoints"), *_changes("discovery.k8s.io", "endpointslices")),
        "Services lead to pods that have gone",
    ),
    _Vital(
        "tokens and access reviews",
        (
            Request("", "serviceaccounts/token", "CREATE"),
            Request("authentication.k8s.io", "tokenreviews", "CREATE", namespaced=False),
            Request("authorization.k8s.io", "subjectaccessreviews", "CREATE", namespaced=False),
        ),
        "nobody is known any more",
    ),
    _Vital(
        "what a control plane brings up",
        (
            *_changes("networking.k8s.io", "servicecidrs", namespaced=False),
            *_changes("flowcontrol.apiserver.k8s.io", "flowschemas", namespaced=False),
            *_changes("apiregistration.k8s.io", "apiservices", namespaced=False),
            *_changes("scheduling.k8s.io", "priorityclasses", namespaced=False),
            *_changes("storage.k8s.io", "csinodes", namespaced=False),
        ),
        "an upgrade of the control plane hangs",
    ),
)


def held(configuration: Configuration, namespaces: Namespaces) -> tuple[Held, ...]:
    """Each entry, and the namespaces that its objects are asked about in."""
    return tuple(_held(hook, namespaces) for hook in configuration.hooks)


def _held(hook: Hook, namespaces: Namespaces) -> Held:
    covered = sorted(name for name, labels in namespaces.items() if hook.covers(labels))
    operations = dict.fromkeys(each.lower() for rule in hook.rules or () for each in rule.operations)
    return Held(
        name=hook.name,
        failure_policy=hook.failure_policy,
        timeout_seconds=hook.timeout_seconds,
        asks_about=tuple(f"{', '.join(operations)} {each}" for each in hook.about()),
        conditions=tuple(each.name for each in hook.conditions),
        namespaces=tuple(covered),
        left_out=tuple(sorted(namespaces.keys() - set(covered))),
    )


def checks(configuration: Configuration, own: str, namespaces: Namespaces) -> Iterator[Check]:
    """Whether the cluster lives on, and Podgate comes back. `own` is Podgate's namespace."""
    hooks = configuration.hooks
    yield from _namespaces(hooks, own, namespaces)
    for vital in _VITAL:
        yield _vital(vital, hooks)
    yield _static_pods(hooks)
    name = configuration.metadata.name
    way_out = f"kubectl delete validatingwebhookconfiguration {name}"
    yield Check("the way out", Result.OK, f"no API server asks about webhook configurations: `{way_out}` always works")
    for hook in hooks:
        if hook.timeout_seconds > _LONG_SECONDS:
            text = f"waits {hook.timeout_seconds} s for each request while nobody answers: {_LONG_SECONDS} are plenty"
            yield Check(hook.name, Result.NOTE, text)


def labels_of(name: str, namespaces: Namespaces) -> Labels:
    """The labels of a namespace; of one that is not there, those that it would have at the least."""
    return namespaces.get(name, {NAME_LABEL: name})


def _namespaces(hooks: Sequence[Hook], own: str, namespaces: Namespaces) -> Iterator[Check]:
    for name in sorted({*SYSTEM_NAMESPACES, own}):
        labels = labels_of(name, namespaces)
        asked = [hook.name for hook in hooks if hook.fails and hook.asks(NEW_POD) and hook.covers(labels)]
        what = "Podgate's own pods" if name == own else "pods of the cluster itself"
        if not asked:
            yield Check(f"namespace {name}", Result.OK, f"{what} are let in when nobody answers")
            continue
        text = f"{what} are refused when nobody answers ({_some(asked)}): leave the namespace out by namespaceSelector"
        yield Check(f"namespace {name}", Result.WRONG, text)


def _vital(vital: _Vital, hooks: Iterable[Hook]) -> Check:
    asked = [hook for hook in hooks if hook.fails and any(hook.asks(each) for each in vital.requests)]
    if not asked:
        return Check(vital.name, Result.OK, "never refused: no entry that fails closed has a rule for them")
    names = _some(hook.name for hook in asked)
    if all(hook.conditions for hook in asked):
        text = f"the rules of {names} name them; whether its matchConditions leave them out, only the API server knows"
        return Check(vital.name, Result.UNSEEN, f"{text}. If not: {vital.loss}")
    return Check(vital.name, Result.WRONG, f"refused when nobody answers ({names}), and {vital.loss}: narrow its rules")


def _static_pods(hooks: Iterable[Hook]) -> Check:
    asked = [hook for hook in hooks if hook.fails and hook.asks(NEW_POD)]
    without = [hook.name for hook in asked if not any(_MIRROR in each.expression for each in hook.conditions)]
    if without:
        text = f"nodes cannot tell of static pods outside the namespaces that are left out: {_some(without)} has no"
        return Check("static pods", Result.NOTE, f"{text} condition for {_MIRROR}")
    return Check("static pods", Result.OK, "nodes can tell of theirs")


def neighbours(own: Configuration, at: str, others: Iterable[Configuration], namespaces: Namespaces) -> Iterator[Check]:
    """Webhooks of others that our pods wait for, and which of them wait for us. `at` is Podgate's namespace."""
    ours = [hook for hook in own.hooks if hook.fails and hook.asks(NEW_POD)]
    here = labels_of(at, namespaces)
    quiet = True
    for other in others:
        for hook in other.hooks:
            if not (hook.fails and hook.asks(NEW_POD) and hook.covers(here)):
                continue
            quiet = False
            yield _neighbour(f"{other.metadata.name}/{hook.name}", hook, ours, namespaces, at)
    if quiet:
        yield Check("other webhooks", Result.OK, "none that fails closed is asked about Podgate's own pods")


def _neighbour(name: str, hook: Hook, ours: Iterable[Hook], namespaces: Namespaces, at: str) -> Check:
    service = hook.client_config.service
    theirs = service.namespace if service is not None else None
    if theirs is not None and any(each.covers(labels_of(theirs, namespaces)) for each in ours):
        text = f"is asked about Podgate's pods, and Podgate about those in its namespace {theirs}: when both are down, "
        return Check(name, Result.WRONG, f"{text}neither comes back. Leave {theirs} out of ours, or {at} out of theirs")
    text = "fails closed and is asked about Podgate's own pods: while it is down, no replica can start"
    return Check(name, Result.NOTE, f"{text}. Leave {at} out of it")


def _some(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
