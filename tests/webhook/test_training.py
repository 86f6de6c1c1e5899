"""`podgate train` and `podgate evaluate`: what they make, what they say, and what they refuse."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policies.risk import classifier
from policies.risk.training import dataset
from webhook import cli
from webhook.commands import training

DANGEROUS = """\
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec:
  hostPID: true
  containers: [{name: a, image: alpine, command: [nsenter, -t, "1", -m, sh], securityContext: {privileged: true}}]
"""
BENIGN = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: 'nginx:1.27'}]}\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.group, arguments)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set that is trained on in a second: all dangerous rows, and every eighth benign one."""
    rows = [row for row in dataset.shipped() if not row.synthetic]
    benign = [row for row in rows if row.label is False]
    file = tmp_path_factory.mktemp("small") / "rows.tsv.gz"
    file.write_bytes(dataset.write([row for row in rows if row.label] + benign[::8]))
    return str(file)


@pytest.fixture(scope="module")
def trained(small: str) -> tuple[str, Result]:
    """A model of the small data set, and what was said about it."""
    file = f"{Path(small).parent}/model.json"
    return file, run("train", "--dataset", small, "--version", "mine", "-o", file)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    for folder, text in (("bad", DANGEROUS), ("good", BENIGN)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text(text)
    (tmp_path / "broken.yaml").write_text("a: [")
    return tmp_path


class TestTrain:
    def test_the_shipped_data_set_gives_the_shipped_model(self, tmp_path: Path) -> None:
        found = run("train", "-o", str(tmp_path / "model.json"))

        assert found.exit_code == 0
        shipped = Path(classifier.__file__).parent / "model.json"
        assert (tmp_path / "model.json").read_bytes() == shipped.read_bytes()

    def test_the_same_rows_give_the_same_bytes(self, small: str, tmp_path: Path, trained: tuple[str, Result]) -> None:
        assert run("train", "--dataset", small, "--version", "mine", "-o", str(tmp_path / "again")).exit_code == 0
        assert (tmp_path / "again").read_bytes() == Path(trained[0]).read_bytes()

    def test_it_says_how_good_the_model_is(self, trained: tuple[str, Result]) -> None:
        file, found = trained
        name = classifier.read(Path(file).read_bytes()).name
        assert name.startswith("mine@")
        assert found.stdout.startswith(f"wrote the model {name} to {file}: warn at 0.")
        assert "\nuses the host" in found.stdout
        assert found.stderr.splitlines()[0].startswith("cross-validating ")

    def test_own_manifests_are_mixed_in(self, small: str, manifests: Path, trained: tuple[str, Result]) -> None:
        added = ["--add", f"{manifests}/bad", "--label", "dangerous", "--add", f"{manifests}/good", "--label", "benign"]
        assert run("train", "--dataset", small, *added, "-o", f"{manifests}/m").exit_code == 0

        mixed, pure = (classifier.read(Path(file).read_bytes()).model for file in (f"{manifests}/m", trained[0]))
        assert mixed.version.endswith("+own")
        rows = {label: count + 1 for label, count in pure.provenance["rows"].items() if label != "synthetic"}
        assert mixed.provenance["rows"] == {**rows, "synthetic": 0}
        assert mixed.provenance["dataset"] != pure.provenance["dataset"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--add", "bad"], "--add needs a --label"),
            (["--add", "bad", "--label", "dangerous", "--label", "benign"], "one --label for all manifests, or one"),
            (["--add", "broken.yaml", "--label", "benign"], "not everything could be read:\n  broken.yaml:1: is not"),
            (["--add", "nowhere", "--label", "benign"], "nowhere: cannot be read"),
            (["--dataset", "nowhere"], "nowhere cannot be read: No such file"),
            (["--dataset", "broken.yaml"], "broken.yaml: the data set cannot be read"),
            (["-o", "bad"], "bad cannot be written: Is a directory"),
            (["-o", "nowhere/model.json"], "nowhere/model.json cannot be written: nowhere is not a folder"),
        ],
    )
    def test_what_cannot_be_used(
        self, manifests: Path, small: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
    ) -> None:
        monkeypatch.chdir(manifests)
        given = arguments if "--dataset" in arguments else ["--dataset", small, *arguments]
        found = run("train", *given)

        assert (found.exit_code, said in found.stderr) == (2, True), found.stderr

    def test_too_little_to_learn_from(self, tmp_path: Path) -> None:
        (tmp_path / "few").write_bytes(dataset.write(dataset.shipped()[:20]))
        found = run("train", "--dataset", str(tmp_path / "few"), "-o", str(tmp_path / "m"))

        assert found.exit_code == 2
        assert "cross-validation needs 8 repositories" in found.stderr


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(training, "find_spec", lambda _: None)
    found = run(command)

    assert found.exit_code == 2
    assert "pip install 'podgate[train]'" in found.stderr


def test_a_model_of_ones_own_judges(trained: tuple[str, Result], manifests: Path) -> None:
    found = run("check", f"{manifests}/bad", "--model", trained[0], "-o", "json")
    wrong = run("check", f"{manifests}/bad", "--model", f"{manifests}/broken.yaml")

    assert json.loads(found.stdout)["model"]["version"] == "mine"
    assert (wrong.exit_code, "broken.yaml: the model cannot be read" in wrong.stderr) == (2, True)


class TestEvaluate:
    def test_a_data_set_is_cross_validated(self, small: str) -> None:
        found = run("evaluate", "--dataset", small)

        assert found.exit_code == 0
        assert found.stdout.startswith("Cross-validation of 465 rows: each judged by 3 models that never saw its ")
        assert "\namong infrastructure " in found.stdout
        assert "expected calibration error" in found.stdout

    def test_a_model_judges_a_data_set(self, small: str, trained: tuple[str, Result]) -> None:
        found = run("evaluate", "--dataset", small, "--model", trained[0])

        assert found.exit_code == 0
        assert "It was made from these rows, which flatters it" in found.stdout

    def test_manifests_of_one_class(self, manifests: Path) -> None:
        found = run("evaluate", f"{manifests}/bad", "--label", "dangerous")

        assert found.exit_code == 0
        assert "and over: 100.0 % of the dangerous\n" in found.stdout
        assert "AUC" not in found.stdout

    def test_manifests_of_both_classes_as_json(self, manifests: Path) -> None:
        paths = [f"{manifests}/bad", f"{manifests}/good", "--label", "dangerous", "--label", "benign"]
        found = json.loads(run("evaluate", *paths, "-o", "json").stdout)

        assert found["model"] == {
            "version": classifier.shipped().model.version,
            "checksum": classifier.shipped().model.checksum,
        }
        assert (found["dangerous"], found["benign"]) == (1, 1)
        assert found["slices"][0]["name"] == "all"
        assert found["slices"][0]["auc"]["value"] == 1.0
        assert [border["name"] for border in found["borders"]] == ["warn", "deny"]

    def test_a_report(self, manifests: Path) -> None:
        paths = [f"{manifests}/bad", f"{manifests}/good", "--label", "dangerous", "--label", "benign"]
        assert run("evaluate", *paths, "--report", f"{manifests}/new/report").exit_code == 0

        written = {file.name: file.read_text() for file in (manifests / "new" / "report").iterdir()}
        assert sorted(written) == [
            "calibration.svg", "effects.svg", "families.svg", "precision-recall.svg", "report.md", "roc.svg",
        ]  # fmt: skip
        assert all(f"]({name})" in written["report.md"] for name in written if name != "report.md")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["bad"], "manifests need a --label"),
            (["--label", "benign"], "a --label needs manifests"),
            (["bad", "--label", "benign", "--dataset", "x"], "not both"),
            (["bad", "--label", "dangerous", "--report", "r"], "--report needs dangerous and benign rows"),
            (["bad", "--label", "dangerous", "--model", "broken.yaml"], "broken.yaml: the model cannot be read"),
            (["bad", "--label", "dangerous", "--model", "nowhere"], "nowhere cannot be read: No such file"),
            (["broken.yaml", "--label", "benign"], "not everything could be read"),
        ],
    )
    def test_what_cannot_be_used(
        self, manifests: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
    ) -> None:
        monkeypatch.chdir(manifests)
        found = run("evaluate", *arguments)

        assert (found.exit_code, said in found.stderr) == (2, True), found.stderr
