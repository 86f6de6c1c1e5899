"""What is counted: names, labels, and that nobody who asks can make a label of their own."""

import re
from typing import Any

from policies import config
from policies.config import Policy
from tests.reviews import body, pod, privileged_pod, review
from webhook import metrics as counting
from webhook.admission import Admitted, admit, consider
from webhook.metrics import Metrics

BASELINE = config.of_profile("pss-baseline")


def count(metrics: Metrics, content: dict[str, Any], policy: Policy = BASELINE, seconds: float = 0.002) -> None:
    metrics.reviews([(0.0, admit(body(content), policy), policy, seconds)])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_review_is_counted_by_what_was_decided() -> None:
    metrics = Metrics()
    for _ in range(2):
        count(metrics, review(privileged_pod()))
    count(metrics, review(pod(), dryRun=True))

    labels = {"operation": "CREATE", "kind": "Pod", "mode": "enforce"}
    assert value(metrics, "podgate_reviews_total", **labels, decision="deny", dry_run="false") == 2
    assert value(metrics, "podgate_reviews_total", **labels, decision="allow", dry_run="true") == 1
    assert value(metrics, "podgate_findings_total", rule="privileged", action="deny") == 2


def test_a_kind_that_holds_no_pod_is_called_other() -> None:
    metrics = Metrics()
    for number in range(100):
        content = review({"apiVersion": "example.com/v1", "kind": f"Kind{number}"})
        count(metrics, content)

    labels = {"operation": "CREATE", "mode": "enforce", "decision": "allow", "dry_run": "false"}
    assert value(metrics, "podgate_reviews_total", kind="other", **labels) == 100
    assert "Kind1" not in metrics.render().decode()


def test_a_kind_of_the_same_name_in_another_group_is_called_other() -> None:
    metrics = Metrics()
    count(metrics, review({"apiVersion": "example.com/v1", "kind": "Deployment"}))

    assert 'kind="other"' in metrics.render().decode()
    assert "Deployment" not in metrics.render().decode()


def test_the_histogram_reaches_ten_seconds_in_few_buckets() -> None:
    metrics = Metrics()
    count(metrics, review(pod()), seconds=9.5)
    buckets = re.findall(r'duration_seconds_bucket\{le="([^"]+)"\} (\S+)', metrics.render().decode())

    assert len(buckets) <= 11
    assert [counted for bound, counted in buckets if bound in ("2.5", "10.0")] == ["0.0", "1.0"]
    assert value(metrics, "podgate_review_duration_seconds_sum") == 9.5


def test_everything_that_can_go_wrong_is_there_from_the_start() -> None:
    metrics = Metrics()

    for stage in ("http", "call", "overload", "review", "late", "log"):
        assert value(metrics, "podgate_errors_total", stage=stage) == 0
    for what in ("certificate", "policy", "namespaces"):
        for result in ("ok", "failed"):
            assert value(metrics, "podgate_reloads_total", what=what, result=result) == 0
    for what in ("list", "watch", "namespace", "owner", "access"):
        for result in ("ok", "missing", "refused", "failed", "late", "unasked"):
            assert value(metrics, "podgate_cluster_requests_total", what=what, result=result) == 0


def test_errors_reloads_and_expiry_are_counted() -> None:
    metrics = Metrics()
    metrics.error("call")
    metrics.lost(3)
    metrics.reload("certificate", ok=False)
    metrics.expiry(1_800_000_000.0)

    assert value(metrics, "podgate_errors_total", stage="call") == 1
    assert value(metrics, "podgate_errors_total", stage="log") == 3
    assert value(metrics, "podgate_reloads_total", what="certificate", result="failed") == 1
    assert value(metrics, "podgate_certificate_expiry_timestamp_seconds") == 1_800_000_000


def test_what_a_cluster_says_is_counted() -> None:
    metrics = Metrics()
    metrics.cluster("access", "late")
    metrics.namespaces(7)
    before = value(metrics, "podgate_namespaces_heard_timestamp_seconds")
    metrics.heard()

    assert value(metrics, "podgate_cluster_requests_total", what="access", result="late") == 1
    assert value(metrics, "podgate_namespaces") == 7
    assert before == 0
    assert (value(metrics, "podgate_namespaces_heard_timestamp_seconds") or 0) > 1_700_000_000


def test_what_is_running_is_said_once() -> None:
    metrics = Metrics()
    metrics.running("1.0", BASELINE)
    metrics.running("1.0", config.of_profile("pss-restricted"))

    assert len(re.findall(r"^podgate_info\{", metrics.render().decode(), re.MULTILINE)) == 1
    assert 'policy="pss-restricted@' in metrics.render().decode()


def test_every_name_begins_with_the_name_of_the_program() -> None:
    names = re.findall(r"^# TYPE (\S+)", Metrics().render().decode(), re.MULTILINE)

    assert names
    assert all(name.startswith("podgate_") for name in names)
    assert not any(name.endswith("_created") for name in names)


def test_what_there_was_no_time_for_is_counted() -> None:
    metrics = Metrics()
    content = body(review(pod()))
    for spared in ((), ("cluster",), ("cluster", "risk")):
        admitted = consider(content, BASELINE, spared=spared)
        assert isinstance(admitted, Admitted)
        metrics.review(admitted, BASELINE, 0.002)

    assert value(metrics, "podgate_skipped_total", what="cluster") == 2
    assert value(metrics, "podgate_skipped_total", what="risk") == 1


def test_series_are_as_many_as_there_are_words_of_ours_whatever_is_asked() -> None:
    metrics, policy = Metrics(), config.of_profile("all")

    def series() -> int:
        return sum(len(family.samples) for family in metrics.registry.collect())

    def ask(numbers: range) -> None:
        for number in numbers:
            name = f"x{number}"
            kind = {"group": name, "version": name, "kind": name}
            asked: dict[str, Any] = {
                "namespace": name,
                "name": name,
                "subResource": name,
                "userInfo": {"username": name},
            }
            for operation in ("CREATE", "UPDATE", "DELETE", "CONNECT"):
                count(metrics, review(pod(), old=pod(), operation=operation, kind=kind, **asked), policy)
            named = privileged_pod()
            named["metadata"] = {"name": name, "namespace": name, "labels": {name: name}}
            count(metrics, review(named, **(asked | {"subResource": ""})), policy)

    ask(range(1))
    known = series()
    ask(range(1, 500))
    assert series() == known
    assert known < 500


def test_a_kind_that_is_longer_than_any_is_not_kept() -> None:
    counting._known_label.cache_clear()
    assert counting._label("apps", "Deployment") == "Deployment"
    assert counting._label("g" * 253, "K" * 63) == "other"
    assert counting._known_label.cache_info().currsize == 2
    assert counting._label("g" * 253, "K" * 64) == "other"
    assert counting._known_label.cache_info().currsize == 2
