"""Files that are half written while the program follows them."""

from pathlib import Path
from typing import Any

import pytest

from policies.risk import classifier
from tests.faults.conftest import Begin
from tests.webhook.serving import wait
from tests.webhook.test_serve import BAD, NEW, NOW, OLD, POLICY, Served

MODEL = Path(classifier.__file__).parent / "model.json"
CANNOT = {
    "policy": "the new policy cannot be used; the old one still is",
    "model": "the new model cannot be used; the old one still is",
    "certificate": "the new certificate cannot be used; the old one still is",
}


def told(served: Served) -> Any:
    """What is denied, by which policy and which model; over the certificate of the old authority."""
    response = served.ask(BAD).json["response"]
    return response["allowed"], response["auditAnnotations"]


@pytest.mark.parametrize("what", CANNOT)
def test_half_a_file_leaves_what_is_in_force_and_it_is_said(begin: Begin, tmp_path: Path, what: str) -> None:
    policy, model = tmp_path / "policy.yaml", tmp_path / "model.json"
    policy.write_text(POLICY % "")
    model.write_bytes(MODEL.read_bytes())
    served = begin("--policy", str(policy), "--model", str(model))
    before = told(served)
    pair = NEW.server(["localhost"], NOW)
    file, whole = {
        "policy": (policy, (POLICY % ", mode: audit").encode()),
        "model": (model, MODEL.read_bytes()),
        "certificate": (tmp_path / "tls.crt", pair.cert),
    }[what]
    file.write_bytes(whole[:-20])
    assert wait(lambda: CANNOT[what] in served.messages(), 20)
    meanwhile, ready = told(served), served.ops("/readyz")
    file.write_bytes(whole)
    if what == "certificate":
        (tmp_path / "tls.key").write_bytes(pair.key)
    metric = b'podgate_reloads_total{result="ok",what="%s"} 1.0' % (b"policy" if what == "model" else what.encode())
    assert wait(lambda: metric in served.ops("/metrics").body, 20)

    assert before[0] is False
    assert meanwhile == before
    assert ready.status == 200
    with served.wire(NEW if what == "certificate" else OLD) as wire:
        allowed = wire.ask(BAD).json["response"]["allowed"]
    assert allowed is (what == "policy")  # the whole one says: mode audit
