"""The view of a pod: every container with its place, and what is in effect."""

from typing import Any

import pytest

from policies.api import PodSpec
from policies.identity import Identity, Kind, OwnerReference
from policies.pod import Pod, named, shown
from policies.resource import read


def view(spec: dict[str, Any], annotations: dict[str, str] | None = None) -> Pod:
    """The view of a pod with this spec."""
    obj = {"metadata": {"annotations": annotations}, "spec": spec}
    return read(obj, Kind("", "Pod")).pods[0].pod


class TestContainers:
    def test_are_of_every_kind_in_the_order_in_which_they_are_judged(self) -> None:
        pod = view(
            {
                "ephemeralContainers": [{"name": "debug"}],
                "containers": [{"name": "web"}, {"name": "api"}],
                "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
            }
        )
        assert [str(container) for container in pod.containers] == [
            'init container "setup"',
            'sidecar container "proxy"',
            'container "web"',
            'container "api"',
            'ephemeral container "debug"',
        ]

    def test_know_where_they_stand(self) -> None:
        pod = view(
            {"containers": [{}, {}], "initContainers": [{"restartPolicy": "Always"}], "ephemeralContainers": [{}]}
        )
        assert [container.at("image") for container in pod.containers] == [
            ("spec", "initContainers", 0, "image"),
            ("spec", "containers", 0, "image"),
            ("spec", "containers", 1, "image"),
            ("spec", "ephemeralContainers", 0, "image"),
        ]

    def test_restarting_always_makes_no_sidecar_of_a_regular_container(self) -> None:
        pod = view({"containers": [{"name": "web", "restartPolicy": "Always"}]})
        assert str(pod.containers[0]) == 'container "web"'

    def test_without_a_name_are_named_by_their_position(self) -> None:
        pod = view({"containers": [{"name": "web"}, {"name": ""}, None]})
        assert [str(container) for container in pod.containers][1:] == ["container number 2", "container number 3"]

    @pytest.mark.parametrize("spec", [{}, {"containers": None}, {"containers": [], "initContainers": None}])
    def test_may_be_missing(self, spec: dict[str, Any]) -> None:
        assert view(spec).containers == ()


class TestCapabilities:
    @pytest.mark.parametrize(
        "context", [None, {}, {"capabilities": None}, {"capabilities": {}}, {"capabilities": {"add": [], "drop": None}}]
    )
    def test_none(self, context: dict[str, Any] | None) -> None:
        (container,) = view({"containers": [{"securityContext": context}]}).containers
        assert container.added_capabilities == ()
        assert container.dropped_capabilities == ()

    def test_a_null_is_an_empty_name(self) -> None:
        context = {"capabilities": {"add": ["CHOWN", None], "drop": [None, "ALL"]}}
        (container,) = view({"containers": [{"securityContext": context}]}).containers
        assert container.added_capabilities == ("CHOWN", None)
        assert container.dropped_capabilities == (None, "ALL")


class TestVolumes:
    def test_are_seen_by_the_sources_that_are_set(self) -> None:
        pod = view(
            {
                "volumes": [
                    {"name": "certs", "hostPath": {"path": "/etc/ssl"}},
                    {"name": "both", "secret": {}, "nfs": None, "holographic": {}},
                ]
            }
        )
        certs, both = pod.volumes
        assert (certs.name, [*certs.sources]) == ("certs", ["hostPath"])
        assert certs.host_path is not None
        assert certs.host_path.path == "/etc/ssl"
        assert (both.name, both.host_path, [*both.sources]) == ("both", None, ["secret", "holographic"])

    @pytest.mark.parametrize("volume", [None, {}, {"name": "a"}, {"name": "a", "nfs": None}])
    def test_without_a_source_are_empty_dirs(self, volume: dict[str, Any] | None) -> None:
        assert view({"volumes": [volume]}).volumes[0].sources.keys() == {"emptyDir"}

    def test_may_be_null(self) -> None:
        assert view({"volumes": None}).volumes == ()


@pytest.mark.parametrize(
    ("os", "windows"),
    [({"name": "windows"}, True), ({"name": "Windows"}, False), ({"name": "linux"}, False), ({}, False), (None, False)],
)
def test_windows(os: dict[str, str] | None, windows: bool) -> None:
    assert view({"os": os}).windows is windows


@pytest.mark.parametrize(("host_users", "own"), [(False, True), (True, False), (None, False)])
def test_user_namespace(host_users: bool | None, own: bool) -> None:
    assert view({"hostUsers": host_users}).user_namespace is own


@pytest.mark.parametrize(
    ("restart_policy", "names"),
    [(None, ["proxy", "web"]), ("Always", ["proxy", "web"]), ("OnFailure", []), ("Never", [])],
)
def test_what_keeps_running_are_containers_and_sidecars_of_a_pod_that_does_not_end(
    restart_policy: str | None, names: list[str]
) -> None:
    pod = view(
        {
            "restartPolicy": restart_policy,
            "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "web"}],
            "ephemeralContainers": [{"name": "debug"}],
        }
    )
    assert [container.spec.name for container in pod.long_running] == names


@pytest.mark.parametrize(
    ("kind", "owner", "ends"),
    [
        (("", "Pod"), None, False),
        (("", "Pod"), "ReplicaSet", False),
        (("", "Pod"), "Job", True),
        (("", "Pod"), "TaskRun", True),
        (("batch", "Job"), None, True),
        (("batch", "Job"), "Operator", True),
        (("kubeflow.org", "MPIJob"), None, True),
        (("apps", "Deployment"), None, False),
    ],
)
def test_whether_a_pod_ends_is_known_by_what_made_it(kind: tuple[str, str], owner: str | None, ends: bool) -> None:
    owners = (OwnerReference(kind=owner, controller=True),) if owner else ()
    assert Pod(PodSpec(), object=Identity(kind=Kind(*kind), owners=owners)).ends is ends


ENDING = (
    "Job CronJob AdvancedCronJob BroadcastJob ScaledJob JobSet Workflow Task ClusterTask TaskRun Pipeline PipelineRun "
    "AnalysisTemplate ClusterAnalysisTemplate TFJob PyTorchJob MPIJob XGBoostJob PaddleJob MXJob JAXJob RayJob"
)


@pytest.mark.parametrize("kind", ENDING.split())
def test_what_these_make_ends(kind: str) -> None:
    owners = (OwnerReference(kind=kind, controller=True),)
    assert Pod(PodSpec(), object=Identity(kind=Kind("example.com", kind))).ends
    assert Pod(PodSpec(), object=Identity(kind=Kind("", "Pod"), owners=owners)).ends


def test_a_pod_knows_where_its_fields_stand() -> None:
    assert view({}).at("securityContext", "sysctls", 0) == ("spec", "securityContext", "sysctls", 0)


class TestShown:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("SYS_ADMIN", "SYS_ADMIN"),
            ("", "an empty value"),
            (None, "an empty value"),
            ("grüße", "grüße"),
            ("a\nb", "a\\nb"),
            ("\x00\u202e\ud800", "\\x00\\u202e\\ud800"),
            ("a" * 100, "a" * 100),
            ("a" * 101, "a" * 99 + "…"),
            ("\n" * 60, "\\n" * 49 + "\\…"),
        ],
    )
    def test_values(self, value: str | None, text: str) -> None:
        assert shown(value) == text

    def test_names(self) -> None:
        assert named("volume", "certs", 0) == 'volume "certs"'
        assert named("volume", "a\n" + "b" * 1000, 0) == f'volume "a\\n{"b" * 96}…"'
        assert named("volume", "", 0) == "volume number 1"
        assert named("volume", None, 4) == "volume number 5"


class TestAppArmor:
    @pytest.mark.parametrize(
        ("own", "annotation", "pod", "effect"),
        [
            (None, None, None, None),
            ("Localhost", "unconfined", "Unconfined", "Localhost"),
            (None, "unconfined", "RuntimeDefault", "Unconfined"),
            (None, "runtime/default", None, "RuntimeDefault"),
            (None, "localhost/web", None, "Localhost"),
            (None, "dummy", "RuntimeDefault", "dummy"),
            (None, "", "RuntimeDefault", "RuntimeDefault"),
            (None, None, "Unconfined", "Unconfined"),
        ],
    )
    def test_is_the_containers_own_else_its_annotations_else_the_pods(
        self, own: str | None, annotation: str | None, pod: str | None, effect: str | None
    ) -> None:
        profile = {"type": own} if own else None
        spec: dict[str, Any] = {"containers": [{"name": "web", "securityContext": {"appArmorProfile": profile}}]}
        if pod:
            spec["securityContext"] = {"appArmorProfile": {"type": pod}}
        key = "container.apparmor.security.beta.kubernetes.io/web"
        annotations = {key: annotation} if annotation is not None else None
        assert view(spec, annotations).containers[0].app_armor == effect

    def test_annotations_of_others_do_not_count(self) -> None:
        annotations = {"container.apparmor.security.beta.kubernetes.io/api": "runtime/default"}
        assert view({"containers": [{"name": "web"}, {}]}, annotations).containers[0].app_armor is None


def test_se_linux_options_are_the_containers_own_else_the_pods() -> None:
    pod = view(
        {
            "securityContext": {"seLinuxOptions": {"level": "s0"}},
            "containers": [{}, {"securityContext": {"seLinuxOptions": {"type": "a_t"}}}],
        }
    )
    options = [container.se_linux_options for container in pod.containers]
    assert [found and (found.level, found.type) for found in options] == [("s0", None), (None, "a_t")]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("spec", "containers", 1, "image"), ["api"]),
        (("spec", "initContainers", 0), ["setup"]),
        (("spec", "containers"), ["setup", "web", "api"]),
        (("spec", "securityContext", "runAsUser"), ["setup", "web", "api"]),
    ],
)
def test_a_path_is_about_the_container_that_it_leads_into_or_about_all(
    path: tuple[str | int, ...], names: list[str]
) -> None:
    pod = view({"containers": [{"name": "web"}, {"name": "api"}], "initContainers": [{"name": "setup"}]})
    assert [found.spec.name for found in pod.concerned(path)] == names


@pytest.mark.parametrize(
    ("volume", "path"),
    [
        ({"hostPath": {"path": "/var/run//docker.sock"}}, "/run/docker.sock"),
        ({"hostPath": {}}, "/"),
        ({"hostPath": {"path": ""}}, "/"),
        ({"emptyDir": {}}, None),
    ],
)
def test_volumes_know_what_they_give_of_the_host(volume: dict[str, Any], path: str | None) -> None:
    assert view({"volumes": [volume]}).volumes[0].path_on_host == path
