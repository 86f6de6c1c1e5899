"""Files to a report: what is judged, what is an error, what is ignored, and that the verdict is admission's."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import config
from policies.decision import Verdict
from tests.reviews import body, review
from webhook.admission import admit
from webhook.check import check
from webhook.report import ExitCode, Located, ObjectRef, Report, Source, Telling

BASELINE = config.of_profile("pss-baseline")
GOOD = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec:\n  containers: [{name: a, image: b}]\n"
BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: bad
  namespace: shop
spec:
  template:
    spec:
      containers:
      - name: a
        image: b
        securityContext:
          privileged: true
"""
TEMPLATE = "{{- if .Values.enabled }}\nkind: Pod\n{{- end }}\n"


def judge(root: Path, files: dict[str, str | bytes], *paths: str) -> Report:
    """Check the folder (or these paths in it), with paths in the report as they are from there."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return check([str(root / path) for path in paths or ("",)], BASELINE)


def errors(report: Report, root: Path) -> list[tuple[str, int | None, int | None, str]]:
    return [(error.file.removeprefix(f"{root}/"), error.document, error.line, error.message) for error in report.errors]


def test_a_result_says_what_where_and_why(tmp_path: Path) -> None:
    report = judge(tmp_path, {"a.yaml": f"{GOOD}---\n{BAD}"})

    good, bad = report.results
    assert good.object == ObjectRef("v1", "Pod", "", "good")
    assert (good.source, good.decision.verdict, good.findings) == (Source(f"{tmp_path}/a.yaml", 1, 1), "allow", ())
    assert bad.object == ObjectRef("apps/v1", "Deployment", "shop", "bad")
    assert (bad.source.document, bad.source.line, bad.decision.verdict) == (2, 7, Verdict.DENY)
    [found] = bad.findings
    assert isinstance(found, Located)
    assert (found.line, found.column, found.reason.finding.rule.id) == (19, 11, "privileged")
    assert (report.policy.name, report.policy.hash) == (BASELINE.name, BASELINE.hash)
    assert (report.errors, report.ignored) == ((), ())


def test_objects_without_a_pod_are_judged_too(tmp_path: Path) -> None:
    report = judge(tmp_path, {"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    assert [(result.object.kind, result.decision.verdict) for result in report.results] == [
        ("ConfigMap", Verdict.ALLOW)
    ]


def test_lines_in_lists_are_those_of_the_items(tmp_path: Path) -> None:
    items = "".join(f"- {text.replace(chr(10), chr(10) + '  ').rstrip()}\n" for text in (GOOD, BAD))
    report = judge(tmp_path, {"a.yaml": f"apiVersion: v1\nkind: List\nitems:\n{items}"})
    assert [(result.source.document, result.source.line) for result in report.results] == [(1, 4), (1, 9)]
    assert [found.line for result in report.results for found in result.findings] == [21]


def test_a_field_of_a_wrong_type_is_an_error_at_its_line(tmp_path: Path) -> None:
    report = judge(tmp_path, {"a.yaml": f"{BAD.replace('true', 'maybe')}---\n{GOOD}"})
    message = "spec.template.spec.containers[0].securityContext.privileged must be true or false, not a string"
    assert errors(report, tmp_path) == [("a.yaml", 1, 13, message)]
    assert [result.object.name for result in report.results] == ["good"]


def test_errors_do_not_stop_anything_and_results_keep_the_order_of_the_input(tmp_path: Path) -> None:
    report = judge(tmp_path, {"b.yaml": BAD, "a.yaml": f"kind: [\n---\n{GOOD}", "c/d.yaml": GOOD, "c.yml": b"a: \xff"})
    assert [(result.source.file.removeprefix(f"{tmp_path}/"), result.object.name) for result in report.results] == [
        ("a.yaml", "good"), ("b.yaml", "bad"), ("c/d.yaml", "good"),
    ]  # fmt: skip
    assert [(file, document, line) for file, document, line, _ in errors(report, tmp_path)] == [
        ("a.yaml", 1, 2), ("c.yml", 1, 1),
    ]  # fmt: skip


def test_missing_paths_and_empty_folders_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = judge(tmp_path, {}, "gone.yaml", "empty")
    assert errors(report, tmp_path) == [
        ("gone.yaml", None, None, "cannot be read: No such file or directory"),
        ("empty", None, None, "is a folder without any .yaml, .yml or .json file"),
    ]


class TestWhatIsNotForKubernetes:
    FILES: dict[str, str | bytes] = {  # noqa: RUF012
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "ci.yml": "- one\n- two\n---\nsteps: []\n",
        "package.json": '{"name": "x"}',
        "pod.yaml": GOOD,
        "values.yaml": "replicas: 1\n",
    }

    def test_is_ignored_in_folders_and_told(self, tmp_path: Path) -> None:
        report = judge(tmp_path, self.FILES)
        told = [(source.file.removeprefix(f"{tmp_path}/"), source.document, source.line) for source in report.ignored]
        assert told == [
            ("Chart.yaml", 1, 1),
            ("ci.yml", 1, 1),
            ("ci.yml", 2, 4),
            ("package.json", 1, 1),
            ("values.yaml", 1, 1),
        ]
        assert (report.errors, len(report.results)) == ((), 1)

    @pytest.mark.parametrize("name", ["Chart.yaml", "ci.yml", "package.json", "values.yaml"])
    def test_is_an_error_where_it_is_named(self, tmp_path: Path, name: str) -> None:
        report = judge(tmp_path, self.FILES, name)
        assert report.ignored == ()
        assert {error.file for error in report.errors} == {f"{tmp_path}/{name}"}

    def test_is_an_error_beside_an_object(self, tmp_path: Path) -> None:
        report = judge(tmp_path, {"a.yaml": f"{GOOD}---\nmetadata: {{}}\n"})
        message = "has no apiVersion and no kind: without it nobody can say what this object is"
        assert errors(report, tmp_path) == [("a.yaml", 2, 7, message)]
        assert report.ignored == ()

    def test_half_of_an_object_is_always_an_error(self, tmp_path: Path) -> None:
        report = judge(tmp_path, {"a.yaml": "kind: Kustomization\nresources: []\n"})
        assert [error.line for error in report.errors] == [1]

    def test_a_helm_template_is_an_error_that_says_what_to_do(self, tmp_path: Path) -> None:
        report = judge(tmp_path, {"web/templates/pod.yaml": TEMPLATE})
        assert "pipe `helm template` into `podgate check -`" in report.errors[0].message


class TestStandardInput:
    def give(self, monkeypatch: pytest.MonkeyPatch, content: bytes) -> Report:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return check(["-"], BASELINE)

    def test_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        report = self.give(monkeypatch, BAD.encode())
        assert [result.source for result in report.results] == [Source("stdin", 1, 1)]

    def test_is_not_a_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        report = self.give(monkeypatch, b"a: b\n")
        assert [(error.file, error.line) for error in report.errors] == [("stdin", 1)]

    def test_that_is_empty_holds_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        report = self.give(monkeypatch, b"")
        assert report == Report(report.policy, model=report.model)
        assert report == self.give(monkeypatch, b"# x")


def test_progress_is_told_after_each_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    for name, content in {"a.yaml": f"{GOOD}---\n{GOOD}", "b.yaml": BAD, "c.yaml": "x: ["}.items():
        (tmp_path / name).write_text(content)
    check([str(tmp_path)], BASELINE, lambda objects, files: told.append((objects, files)))
    assert told == [(2, 1), (3, 2), (3, 3)]


def test_findings_that_are_not_told_are_counted_and_still_decide(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    report = check([str(tmp_path)], BASELINE, telling=Telling(9))  # type: ignore[arg-type] # nothing is that severe
    [result] = report.results
    assert (result.findings, result.decision.reasons, report.hidden) == ((), (), 1)
    assert (result.decision.verdict, report.exit_code) == (Verdict.DENY, ExitCode.DENIED)


@pytest.mark.parametrize("spec", [
    {"containers": [{"name": "a", "image": "b", "securityContext": {"privileged": True}}], "hostPID": True},
    {"containers": [{"name": "a", "image": "b"}], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
    {"containers": [{"name": "a", "image": "b"}]},
])  # fmt: skip
def test_the_verdict_is_that_of_an_admission(tmp_path: Path, spec: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}, "spec": spec}
    admitted = admit(body(review(pod)), BASELINE).decision
    [result] = judge(tmp_path, {"a.yaml": yaml.safe_dump(pod)}).results

    assert result.decision.verdict is admitted.verdict
    assert result.decision.risk_text == admitted.risk_text != ""
    assert [found.reason for found in result.findings] == list(admitted.reasons)
