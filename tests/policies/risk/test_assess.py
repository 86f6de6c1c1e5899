"""The risk of an object is that of its riskiest pod, with reasons and what would change it."""

from itertools import combinations
from typing import Any

import pytest

from policies import resource
from policies.risk import classifier
from policies.risk.assess import Assessor, Band, Risk
from policies.risk.classifier import Classifier
from policies.risk.features import IMAGES, NAMESPACES, PATHS, PRIVILEGES, REMEDIES
from policies.risk.observe import Observer
from tests.policies.risk import models
from tests.policies.risk.pods import Json, workload

#: Each of these adds as much as its name says, and nothing else means anything.
TABLES = {
    "privileged": (0.0, 3.0),
    "host_network": (0.0, 2.0),
    "host_pid": (0.0, 2.0),
    "path_logs": (0.0, 1.0, 1.0),
    "image_typosquat": (0.0, 0.5),
}
HOST: Json = {"hostNetwork": True, "hostPID": True}
LOGS: Json = {"volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}]}
PRIVILEGED: Json = {"securityContext": {"privileged": True}}
SHELL: Json = {
    "hostPID": True,
    "containers": [{"image": "alpine", "command": ["nsenter", "-t", "1", "-m", "sh"], **PRIVILEGED}],
}


def assessor(intercept: float = -5.0) -> Assessor:
    return Assessor(Classifier(models.model(intercept, tables=TABLES)), Observer.shipped())


def assess(obj: Json, by: Assessor | None = None) -> Risk:
    found = (by or assessor()).assess(resource.read(obj).pods)
    assert found is not None
    return found


def pod(*containers: Json, **spec: Any) -> Json:
    return workload({"containers": list(containers) or [{}], **spec})


def jobs(*specs: Json) -> Json:
    """An object of several pods."""
    replicated = [{"template": {"spec": {"template": {"spec": spec}}}} for spec in specs]
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": {"replicatedJobs": replicated}}


def test_without_a_pod_there_is_no_risk() -> None:
    assert assessor().assess([]) is None


def test_the_riskiest_of_several_pods_counts_and_is_named() -> None:
    found = assess(jobs({"containers": [{}]}, {"containers": [PRIVILEGED]}, {"containers": [{}], "hostNetwork": True}))

    assert found.log_odds == -2.0
    assert found.path == ("spec", "replicatedJobs", 1, "template", "spec", "template", "spec")
    assert [share.features for share in found.shares] == [("privileged",)]


def test_the_riskiest_of_several_containers_counts_and_nothing_of_the_others() -> None:
    found = assess(pod({"image": "ngnix"}, PRIVILEGED, {}, hostNetwork=True))

    assert found.log_odds == 0.0
    assert [share.features for share in found.shares] == [("privileged",), ("host_network",)]
    assert assessor().log_odds(resource.read(pod({"image": "ngnix"}, PRIVILEGED)).pods[0].pod) == -2.0


def test_the_first_of_pods_that_are_as_risky_is_named() -> None:
    found = assess(jobs({"containers": [PRIVILEGED]}, {"containers": [PRIVILEGED]}))
    assert found.path[2] == 0


@pytest.mark.parametrize(
    ("intercept", "band"),
    [(-5.0, Band.LOW), (-0.848, Band.LOW), (-0.847, Band.ELEVATED), (2.197, Band.ELEVATED), (2.198, Band.HIGH)],
)
def test_the_band_lies_between_the_models_thresholds(intercept: float, band: Band) -> None:
    """0.3 and 0.9."""
    assert assess(pod(), assessor(intercept)).band is band


def test_a_probability_and_shares_that_make_it() -> None:
    found = assess(pod(PRIVILEGED, **HOST))
    assert found.probability == classifier.probability(-5.0 + 3.0 + 2.0 + 2.0)
    assert [(share.features, share.log_odds) for share in found.shares] == [
        (("privileged",), 3.0),
        (("host_network",), 2.0),
        (("host_pid",), 2.0),
    ]
    assert found.model == assessor().classifier.name


# What would change it.


@pytest.mark.parametrize(
    ("obj", "below", "remedy"),
    [
        (pod(PRIVILEGED, **HOST), classifier.probability(-0.5), (PRIVILEGES,)),
        (pod(PRIVILEGED, **HOST), classifier.probability(-1.5), (NAMESPACES,)),
        (pod(PRIVILEGED, **HOST), classifier.probability(-3.5), (PRIVILEGES, NAMESPACES)),
        (pod(PRIVILEGED, **HOST, **LOGS), classifier.probability(-4.5), (PRIVILEGES, NAMESPACES, PATHS)),
        (pod({"image": "ngnix"}, **LOGS), classifier.probability(-3.9), (PATHS,)),
        (pod({"image": "ngnix"}, **LOGS), classifier.probability(-4.2), (PATHS,)),
        (pod({"image": "ngnix"}), classifier.probability(-4.9), (IMAGES,)),
        # Not even an empty pod is below this.
        (pod(PRIVILEGED), classifier.probability(-5.0), ()),
        (pod(PRIVILEGED), 0.0, ()),
    ],
)
def test_the_remedy_is_the_fewest_things_that_bring_it_below(obj: Json, below: float, remedy: tuple[str, ...]) -> None:
    assert assess(obj).remedy(below) == remedy


@pytest.mark.parametrize("below", [0.05, 0.3, 0.6, 0.9])
def test_the_remedy_really_helps_and_nothing_smaller_does(below: float) -> None:
    shipped = Assessor(classifier.shipped(), Observer.shipped())
    [(found, _)] = resource.read(workload(SHELL, kind=("v1", "Pod"))).pods
    remedy = assess(workload(SHELL, kind=("v1", "Pod")), shipped).remedy(below)

    assert remedy
    assert classifier.probability(shipped.log_odds(found, frozenset(remedy))) < below
    for count in range(len(remedy)):
        for fewer in combinations(REMEDIES, count):
            assert classifier.probability(shipped.log_odds(found, frozenset(fewer))) >= below


# How it is told.


def test_the_text_names_the_probability_and_the_three_main_reasons() -> None:
    found = assess(pod({"image": "ngnix", **PRIVILEGED}, **HOST))
    assert found.text == (
        "looks dangerous (risk 0.92): a privileged container, the host's network, the host's processes"
    )


def test_the_text_of_what_is_nothing_names_no_reason() -> None:
    assert assess(pod()).text == "looks dangerous (risk 0.01)"


def test_a_pair_is_told_by_what_it_is_made_of() -> None:
    model = models.model(0.0, tables={"host_pid": (0.0, 1.0)}, pairs=(models.pair("host_pid", "host_ipc", _1_1=2.0),))
    found = assess(pod(hostPID=True, hostIPC=True), Assessor(Classifier(model), Observer.shipped()))
    assert found.text == "looks dangerous (risk 0.95): the host's processes, the host's shared memory"


def test_a_settled_risk_is_the_same_without_its_pod_and_so_is_what_is_made_of_its_gist() -> None:
    by = assessor()
    risk = assess(pod(**HOST), by)
    settled = risk.settled(("privileges",))
    for kept in (settled, by.recall(settled.gist)):
        assert (kept.path, kept.log_odds, kept.text, kept.shares) == (risk.path, risk.log_odds, risk.text, risk.shares)
        assert kept.remedy(0.0) == ("privileges",)
    assert risk.without_pod().remedy(1.0) == ()
