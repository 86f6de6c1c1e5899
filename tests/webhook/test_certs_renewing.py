"""`podgate certs rotate` and `status`: on a folder and on the Secret of a cluster."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certs.authority import Authority
from certs.bundle import Bundle, Leaf, made_at
from certs.store import Folder
from tests.webhook.apiserver import ApiServer, api_server
from tests.webhook.objects import CONFIGURATION, NAME, SECRET, Objects
from tests.webhook.serving import HOST
from webhook.commands.certs import command

NOW = datetime.now(UTC)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def read(folder: Path) -> Bundle:
    found = Bundle.read(Folder(folder).read().content)
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "certs"
    assert run("init", "--dir", str(made), "--dns-name", NAME, "--days", "100").exit_code == 0
    return made


def test_a_leaf_is_renewed_with_its_names_and_its_time(folder: Path) -> None:
    before = read(folder)
    result = run("rotate", "--dir", str(folder))
    after = read(folder)

    assert result.output == (f"{folder}: tls.crt is new\nNext: whoever serves with it takes it over by itself\n")
    assert after.leaf.cert != before.leaf.cert
    assert after.leaf.names == before.leaf.names == (NAME,)
    assert after.leaf.cert.not_valid_after_utc - made_at(after.leaf.cert) == timedelta(days=100)
    assert after.trusted == before.trusted


def test_days_are_what_is_asked_for(folder: Path) -> None:
    run("rotate", "--dir", str(folder), "--days", "7")
    found = read(folder).leaf.cert
    assert found.not_valid_after_utc - made_at(found) == timedelta(days=7)


def test_in_a_folder_every_call_takes_a_step_and_says_the_next(folder: Path) -> None:
    old = read(folder)
    said, trusted, issuers = [], [], []
    for _ in range(3):
        said.append(run("rotate", "--dir", str(folder), "--authority").output.splitlines()[1])
        found = read(folder)
        trusted.append(len(found.trusted))
        issuers.append(found.authority.cert == old.authority.cert)

    assert said == [
        "Next: publish ca.crt (its base64 is the caBundle), wait two minutes for API servers, and run this again",
        "Next: when every replica serves the new tls.crt, run this again",
        "Next: publish ca.crt: it holds the new authority alone",
    ]
    assert (trusted, issuers) == ([2, 2, 1], [True, False, False])
    assert sorted(each.name for each in folder.iterdir()) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]


def test_status_of_a_folder(folder: Path) -> None:
    result = run("status", "--dir", str(folder))
    head, authority, leaf, follows = result.output.splitlines()

    assert result.exit_code == 0
    assert head.split() == ["WHAT", "SUBJECT", "NAMES", "NOT", "AFTER", "DAYS", "STATE", "TRUSTED"]
    assert authority.split()[:3] == ["authority", "podgate", "-"]
    assert leaf.split()[:4] == ["serving", "certificate", NAME, NAME]
    assert leaf.split()[5:] == ["99", "served", "-"]
    assert follows.startswith("Next, by `podgate certs rotate`: the serving certificate is renewed then, 20")


@pytest.mark.parametrize(
    ("days", "code", "said"),
    [
        (15, 0, ""),
        (10, 1, "the serving certificate ends at {ends}, in 9 days"),
        (-1, 1, "the serving certificate expired at {ends}"),
    ],
)
def test_what_ends_soon_is_a_warning_and_an_exit_code(tmp_path: Path, days: int, code: int, said: str) -> None:
    made = NOW - timedelta(days=30)
    authority = Authority.create("podgate", made)
    leaf = Leaf.read(authority.server([NAME], made, timedelta(days=30 + days)))
    store = Folder(tmp_path)
    store.write(Bundle(authority, leaf).content(), store.read().version)
    result = run("status", "--dir", str(tmp_path))

    assert result.exit_code == code
    assert said.format(ends=f"{leaf.cert.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}") in result.output


def test_status_as_json(folder: Path) -> None:
    found = json.loads(run("status", "--dir", str(folder), "-o", "json").output)

    assert [each["what"] for each in found["certificates"]] == ["authority", "serving certificate"]
    assert found["certificates"][1]["names"] == [NAME]
    assert found["certificates"][1]["trusted"] is None
    assert (found["problems"], found["next"]["step"]) == ([], "nothing")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "say where certificates are kept: --dir DIR, or --secret NAMESPACE/NAME"),
        (["rotate", "--dir", "x", "--secret", "a/b"], "say where certificates are kept"),
        (["status", "--secret", "podgate-tls"], "--secret should be NAMESPACE/NAME"),
        (["status", "--secret", "a/../b"], "--secret should be NAMESPACE/NAME"),
        (["rotate", "--dir", "/does/not/exist"], "/does/not/exist is not there: `podgate certs init --dir"),
        (["status", "--secret", "a/b", "--cluster", "/does/not/exist"], "/does/not/exist cannot be read"),
        (["status", "--secret", "a/b", "--cluster", "off"], "there is no cluster: name one by --cluster FILE"),
    ],
)
def test_bad_usage_is_said_in_one_line(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_is_broken_is_told_and_left_alone(folder: Path) -> None:
    (folder / "tls.key").write_bytes((folder / "ca.key").read_bytes())
    before = (folder / "tls.crt").read_bytes()
    status, rotate = run("status", "--dir", str(folder)), run("rotate", "--dir", str(folder))

    assert (status.exit_code, rotate.exit_code) == (1, 2)
    for result in (status, rotate):
        assert f"{folder}: tls.key is not the key of tls.crt" in result.output
        assert "PRIVATE KEY" not in result.output
    assert (folder / "tls.crt").read_bytes() == before


@dataclass
class Played:
    """A cluster with the Secret that `podgate serve` keeps."""

    objects: Objects
    kubeconfig: str

    def run(self, *arguments: str) -> Result:
        return run(*arguments, "--secret", "podgate-system/podgate-tls", "--cluster", self.kubeconfig)

    @property
    def bundle(self) -> Bundle:
        found = Bundle.read(self.objects.content)
        assert found is not None
        return found


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("NO_PROXY", HOST)
    authority = Authority.create("podgate", NOW)
    content = Bundle(authority, Leaf.read(authority.server([NAME], NOW))).content()
    with api_server() as api:
        yield Played(_kept(api, content), str(api.kubeconfig(tmp_path)))


def _kept(api: ApiServer, content: dict[str, bytes]) -> Objects:
    objects = Objects()
    data = {name: b64encode(value).decode() for name, value in content.items() if value}
    objects.put(SECRET, {**objects.held[SECRET], "data": data})
    entries = objects.held[CONFIGURATION]
    for each in entries["webhooks"]:
        each["clientConfig"]["caBundle"] = data["ca.crt"]
    objects.put(CONFIGURATION, entries)
    api.answer = objects.answer
    return objects


def test_in_a_cluster_the_leaf_is_renewed_and_the_rest_is_left_to_whoever_serves(played: Played) -> None:
    before = played.bundle
    result = played.run("rotate")

    assert result.output == (
        "Secret podgate-system/podgate-tls: tls.crt is new\n"
        "Next: nothing, as long as podgate serve runs: it serves it in some seconds\n"
    )
    assert played.bundle.leaf.cert != before.leaf.cert
    assert played.bundle.trusted == before.trusted


def test_in_a_cluster_an_exchange_is_begun_once(played: Played) -> None:
    first, second = played.run("rotate", "--authority"), played.run("rotate", "--authority")

    assert (first.exit_code, second.exit_code) == (0, 2)
    assert "it takes the other steps by itself, in about an hour" in first.output
    assert (
        "an exchange of the authority is already under way: podgate certs status tells how far it is" in second.output
    )
    assert len(played.bundle.trusted) == 2


def test_a_secret_that_changes_meanwhile_is_read_again(played: Played) -> None:
    def other(_method: str, path: str) -> None:
        played.objects.before = lambda _method, _path: None
        played.objects.put(SECRET, played.objects.held[SECRET])

    played.objects.before = other
    assert played.run("rotate").exit_code == 0
    played.objects.before = lambda _method, _path: played.objects.put(SECRET, played.objects.held[SECRET])
    gave_up = played.run("rotate")
    assert (gave_up.exit_code, "somebody else changed Secret podgate-system/podgate-tls" in gave_up.output) == (2, True)


def test_status_tells_whether_the_api_server_trusts_it(played: Played) -> None:
    good = played.run("status")
    entry = played.objects.held[CONFIGURATION]["webhooks"][1]
    entry["clientConfig"]["caBundle"] = ""
    entry["clientConfig"]["service"]["name"] = "gate"
    bad = played.run("status")

    assert (good.exit_code, [line.split()[-1] for line in good.output.splitlines()[1:3]]) == (0, ["yes", "yes"])
    assert bad.exit_code == 1
    assert [line.split()[-1] for line in bad.output.splitlines()[1:3]] == ["no", "no"]
    assert "the caBundle of objects is not what it must be: it is empty, or cannot be read" in bad.output
    assert "the serving certificate is not good for gate.podgate-system.svc, by which Podgate is called" in bad.output
    assert "Next, by itself: publish, as the caBundle is not what it must be" in bad.output


def test_status_of_what_is_not_there(played: Played) -> None:
    played.objects.put(SECRET, {"metadata": {}})
    del played.objects.held[CONFIGURATION]
    empty = played.run("status")
    del played.objects.held[SECRET]
    none = played.run("status")

    assert empty.exit_code == 1
    assert "there is no certificate yet" in empty.output
    assert "there is no ValidatingWebhookConfiguration podgate: no API server asks" in empty.output
    assert none.exit_code == 2
    assert "manifests/components/self-signed has the Secret and the rights that are needed" in none.output
