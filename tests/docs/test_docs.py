"""The documents say what is so: links lead somewhere, output is real, every rule and profile is told about."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from policies import profile, registry

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def headings(page: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    found = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]*\.md)?#([^)\s]+)\)", page.read_text())

    assert [(name, at) for name, at in links if at not in headings(page.parent / name if name else page)] == []


def test_the_readme_shows_what_the_command_really_prints() -> None:
    shown = re.search(r"\$ podgate check (.*?)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "webhook.cli", "check", *shown[1].split()]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (1, shown[2])


def test_the_generated_pages_are_current() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_rule_and_profile_is_told_about() -> None:
    rules, check = (ROOT / "docs" / "rules.md").read_text(), (ROOT / "docs" / "check.md").read_text()

    assert [rule.id for rule in registry.load() if f"### {rule.id}\n" not in rules] == []
    assert [name for name in profile.names() if f"`{name}`" not in check] == []


def test_every_task_that_the_documents_name_is_in_the_makefile() -> None:
    tasks = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:\$ |`)make ([a-z0-9-]+)", page.read_text())}

    assert named - tasks == set()


def functions_of(file: Path) -> set[str]:
    functions = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize("page", ["docs/reliability.md", "SECURITY.md"])
def test_every_test_that_a_document_names_is_there(page: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)", (ROOT / page).read_text())

    assert len(named) > 10
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(ROOT / file)] == []
