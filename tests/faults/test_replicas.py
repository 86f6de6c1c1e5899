"""Two replicas run with different policies, as they do while a change reaches one before the other."""

import signal
from pathlib import Path
from typing import Any

from tests.faults.conftest import Begin
from tests.webhook.serving import wait
from tests.webhook.test_serve import BAD, POLICY, Served


def response(served: Served) -> Any:
    return served.ask(BAD).json["response"]


def policy_of(served: Served) -> str:
    metrics = served.ops("/metrics").body.decode()
    [line] = [line for line in metrics.splitlines() if line.startswith("podgate_info{")]
    return line.split('policy="')[1].split('"')[0]


def test_every_answer_names_the_policy_that_it_was_given_by_and_a_reload_makes_them_agree(
    begin: Begin, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("one.yaml", "two.yaml")]
    for file, mode in zip(files, ("audit", "enforce"), strict=True):
        file.write_text(POLICY % f", mode: {mode}")
    lax, strict = [begin("--policy", str(file)) for file in files]
    answers = [response(lax), response(strict)]
    named = [answer["auditAnnotations"]["policy"] for answer in answers]
    exported = [policy_of(lax), policy_of(strict)]
    files[0].write_text(files[1].read_text())
    lax.signal(signal.SIGHUP)
    assert wait(lambda: "a new policy is in force" in lax.messages())

    assert [answer["allowed"] for answer in answers] == [True, False]
    assert [answer["auditAnnotations"]["decision"] for answer in answers] == ["deny", "deny"]
    assert named[0] != named[1]
    assert exported == named
    assert wait(lambda: [line["policy"] for line in lax.decided] == [named[0].partition("@")[2]])
    assert response(lax) == response(strict)
