"""`make rule`: the two files of a new rule, which are a rule at once."""

from pathlib import Path

import pytest
import yaml

from tests import scaffold


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the place where rules are, with two categories."""
    folder = tmp_path / "policies" / "rules"
    for category, stem in (("host", "host_pid"), ("identity", "run_as_user_zero")):
        (folder / category).mkdir(parents=True)
        (folder / category / "__init__.py").touch()
        (folder / category / f"{stem}.py").touch()
    monkeypatch.setattr(scaffold, "RULES", folder)
    return folder


@pytest.mark.parametrize(
    ("category", "rule_id", "module"),
    [
        ("", "host-clock", "host/host_clock.py"),
        ("", "run-as-nobody", "identity/run_as_nobody.py"),
        ("", "clock-skew", "workload/clock_skew.py"),
        ("storage", "clock-skew", "storage/clock_skew.py"),
    ],
    ids=["named like its category", "named like another rule", "unlike any", "told the category"],
)
def test_writes_two_files_in_the_category(rules: Path, category: str, rule_id: str, module: str) -> None:
    assert scaffold.main(category, rule_id) == 0

    source = (rules / module).read_text()
    assert f"def {Path(module).stem}(pod: Pod)" in source
    compile(source, module, "exec")
    assert list(yaml.safe_load((rules / module).with_suffix(".yaml").read_text())) == ["good", "bad"]
    assert (rules / module).with_name("__init__.py").exists()


@pytest.mark.parametrize(
    ("rule_id", "complaint"),
    [
        ("Host_Clock", '"Host_Clock" is not a rule id. Name the bad thing in kebab-case: make rule ID=host-clock\n'),
        ("", '"" is not a rule id. Name the bad thing in kebab-case: make rule ID=host-clock\n'),
        ("../evil", '"../evil" is not a rule id. Name the bad thing in kebab-case: make rule ID=host-clock\n'),
        ("host-pid", "the rule exists: policies/rules/host/host_pid.py\n"),
    ],
)
def test_refuses_a_bad_or_taken_id_and_writes_nothing(
    rules: Path, rule_id: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(rules.rglob("*"))

    assert scaffold.main("", rule_id) == 2
    assert capsys.readouterr().err == complaint
    assert sorted(rules.rglob("*")) == before
