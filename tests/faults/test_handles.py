"""The process may open no more files, or have no more memory."""

import json
import resource
from contextlib import ExitStack
from pathlib import Path

from tests.faults.conftest import Begin
from tests.faults.test_process import is_denied
from tests.reviews import privileged_pod, review
from tests.webhook.serving import Wire, wait
from tests.webhook.test_serve import BAD, Served

CANNOT = "connections cannot be accepted"


def open_files(served: Served) -> int:
    return len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))


def allow_files(served: Served, number: int) -> None:
    hard = resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (number, hard))


def test_without_file_handles_who_is_connected_is_answered_and_others_wait_until_there_are_some(
    begin: Begin, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: pss-baseline}\n")
    served = begin("--policy", str(policy))
    with served.wire() as kept, ExitStack() as waiting:
        assert is_denied(kept)
        allow_files(served, open_files(served))
        later = waiting.enter_context(Wire(served.port))
        assert wait(lambda: CANNOT in served.messages())
        policy.write_text(policy.read_text().replace("baseline", "restricted"))
        assert wait(lambda: "the new policy cannot be used; the old one still is" in served.messages(), 20)
        assert all(is_denied(kept) for _ in range(3))
        allow_files(served, 256)
        later.socket.close()
        with served.wire() as new:
            assert is_denied(new)

        assert wait(lambda: "a new policy is in force" in served.messages(), 20)


def test_without_memory_a_large_review_is_not_allowed_and_small_ones_go_on(begin: Begin) -> None:
    served = begin()
    large = review(privileged_pod())
    large["request"]["object"]["metadata"]["annotations"] = {f"key-{number}": "x" * 100 for number in range(60_000)}
    sent = json.dumps(large).encode()
    assert 7_000_000 < len(sent) < 8 << 20
    with served.wire() as wire:
        assert is_denied(wire)
        status = Path(f"/proc/{served.process.pid}/status").read_text()
        used = int(status.split("VmSize:")[1].split()[0]) << 10
        resource.prlimit(served.process.pid, resource.RLIMIT_AS, (used + (4 << 20), resource.RLIM_INFINITY))
        assert verdict(served, sent) is None
        assert is_denied(wire)
        resource.prlimit(served.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        assert verdict(served, sent) is False
        assert verdict(served, BAD) is False


def verdict(served: Served, sent: bytes) -> bool | None:
    """What is answered; None when it is no verdict."""
    try:
        answer = served.ask(sent)
    except (EOFError, OSError):
        return None
    return bool(answer.json["response"]["allowed"]) if answer.status == 200 else None
