"""Load for as long as you like: what the server holds, for how long, and what becomes of it beyond that.

First its capacity is found. Then it is asked for 70 % of that, by the clock, while its certificate, its policy and its
model change; then for three times what it can do, and then it is left in peace. Reviews are those of a real API server
(tests/data/reviews), and some that must be denied. Everything is written to benchmarks/results/soak.json, of which
`make generate` makes docs/load.md and its picture.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import platform
import random
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from benchmarks.load import Client, Review, Seen, pace, saturate
from benchmarks.review import cpu_seconds, review, wait_for
from certs.authority import Authority
from policies.config import parse
from policies.risk import classifier
from webhook.admission import admit

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "soak.json"
POLICY = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: recommended, overrides: {maxDays: %d}}\n"
SHARE, OVERLOAD = 0.7, 3.0
CONNECTIONS, MOST = 16, 900  # fewer than the server accepts: what it sends away then is what waits too long
OVERLOAD_SECONDS, RECOVERY_SECONDS = 10, 5
RELOAD_SECONDS = 20


def reviews() -> list[Review]:
    """What is sent, with the verdicts that both policies give."""
    bodies = [file.read_bytes() for file in sorted((ROOT / "tests" / "data" / "reviews").glob("*.json"))]
    for containers in (1, 3, 15):
        hardened = review(containers)
        privileged = hardened.replace(b'"allowPrivilegeEscalation": false', b'"privileged": true')
        bodies += [hardened, privileged, privileged]
    policies = [parse(POLICY % days) for days in (30, 29)]
    found = []
    for number, body in enumerate(bodies):
        content = json.loads(body)
        content["request"]["uid"] = uid = f"soak-{number}"
        sent = json.dumps(content, separators=(",", ":")).encode()
        verdicts = {json.loads(admit(sent, policy).body)["response"]["allowed"] for policy in policies}
        [allowed] = verdicts
        found.append(Review.of(sent, uid, allowed=allowed))
    random.Random(0).shuffle(found)  # noqa: S311 - the same order each time
    return found


@dataclass
class Server:
    """The server, and the files that it follows."""

    folder: Path
    authority: Authority
    process: subprocess.Popen[bytes]
    port: int
    version: int = 0

    @classmethod
    def start(cls, folder: Path, port: int) -> "Server":
        found = cls(folder, Authority.create("soak", datetime.now(UTC)), None, port)  # type: ignore[arg-type]
        for change in (found.certificate, found.policy, found.model):
            change()
        at = ["--host", "127.0.0.1", "--port", str(port), "--ops-port", str(port + 1), "--cluster", "off"]
        names = ("tls-cert", "tls-key", "policy", "model", "decision-log")
        files = [part for name in names for part in (f"--{name}", str(folder / name))]
        errors = (folder / "errors").open("wb")
        command = [sys.executable, "-m", "webhook.serve", *at, *files]
        found.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        wait_for(found.process, port)
        return found

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def certificate(self) -> None:
        pair = self.authority.server(["localhost"], datetime.now(UTC))
        self._replace("tls-cert", pair.cert)
        self._replace("tls-key", pair.key)

    def policy(self) -> None:
        self.version += 1
        self._replace("policy", (POLICY % (30 - self.version % 2)).encode())

    def model(self) -> None:
        model = classifier.shipped().model
        sealed = classifier.sealed(msgspec.structs.replace(model, version=f"{model.version}.{self.version}"))
        self._replace("model", msgspec.json.encode(sealed))

    def _replace(self, name: str, content: bytes) -> None:
        new = self.folder / f".{name}"
        new.write_bytes(content)
        new.replace(self.folder / name)

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority.pair.cert.decode())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def memory(self) -> int:
        """Mebibytes that are resident."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return round(int(status.split("VmRSS:")[1].split()[0]) / 1024)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        url = f"http://127.0.0.1:{self.port + 1}/metrics"
        asked = subprocess.run([sys.executable, "-c", FETCH, url], check=True, capture_output=True, text=True)
        lines = [line for line in asked.stdout.splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


FETCH = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=10).read().decode())"


class Soak:
    """The phases, and what was seen in each."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.made = reviews()
        self.changed = dict.fromkeys(("certificate", "policy", "model"), 0)

    def sent(self) -> Iterator[Review]:
        return itertools.cycle(self.made)

    async def run(self) -> dict[str, Any]:
        capacity = await self._capacity()
        minutes = await self._steady(capacity["reviews_per_second"] * SHARE)
        overload = await self._overload(capacity["reviews_per_second"])
        return {"capacity": capacity, "minutes": minutes, "changes": self._changes(), "overload": overload}

    def _client(self, seen: Seen, most: int = MOST, waiting: int = 100_000) -> Client:
        return Client(self.server.port, self.server.context(), most, seen, waiting)

    async def _capacity(self) -> dict[str, Any]:
        client = self._client(Seen(), CONNECTIONS)
        ours, theirs = time.process_time(), cpu_seconds(self.server.process.pid)
        seconds = await saturate(client, self.sent(), CONNECTIONS, self.options.capacity_seconds)
        ours, theirs = time.process_time() - ours, cpu_seconds(self.server.process.pid) - theirs
        answered = client.seen.outcomes["verdict"]
        await client.close()
        # The machine is shared: a second in four was worse than this.
        rate = sorted(seconds)[len(seconds) // 4]
        found = {"reviews_per_second": rate, "each_second": seconds, **_told(client.seen)}
        return found | _cost(answered, theirs, ours)

    async def _steady(self, rate: float) -> list[dict[str, Any]]:
        client, sent = self._client(Seen()), self.sent()
        changing = client.loop.create_task(self._change())
        found = []
        for minute in range(self.options.minutes):
            client.seen = Seen()
            ours, theirs = time.process_time(), cpu_seconds(self.server.process.pid)
            late = await pace(client, sent, rate, 60)
            await client.settle()
            ours, theirs = time.process_time() - ours, cpu_seconds(self.server.process.pid) - theirs
            one = {"minute": minute + 1, "sent_per_second": round(rate), **_told(client.seen)}
            one |= _cost(client.seen.outcomes["verdict"], theirs, ours)
            one |= {"memory_mib": self.server.memory(), "client_late_milliseconds": _milliseconds(late, 0.99)}
            one |= {"connections": len(client.connections), "policies": dict(client.seen.policies)}
            found.append(one)
            _say(f"minute {minute + 1}: {json.dumps(one)}")
        changing.cancel()
        await client.close()
        return found

    async def _change(self) -> None:
        """Change one file after the other, for ever."""
        for what in itertools.cycle(self.changed):
            await asyncio.sleep(RELOAD_SECONDS)
            getattr(self.server, what)()
            self.changed[what] += 1

    def _changes(self) -> dict[str, Any]:
        # Files settle within two looks; the last change may be a moment old.
        time.sleep(4)
        took = {
            what: round(self.server.metric(f'podgate_reloads_total{{result="ok",what="{what}"}}'))
            for what in self.changed
        }
        return {"made": self.changed, "taken": took}

    async def _overload(self, capacity: float) -> dict[str, Any]:
        client, sent = self._client(Seen(), waiting=100), self.sent()
        over = client.seen
        ours = time.process_time()
        started = client.loop.time()
        await pace(client, sent, capacity * OVERLOAD, OVERLOAD_SECONDS)
        took = client.loop.time() - started
        ours = time.process_time() - ours
        ended = client.loop.time()
        waiting = client.under_way
        calm = self._client(Seen())
        recovered = await self._recovery(calm, sent, capacity * 0.3)
        await client.close()
        await calm.close()
        found = {"sent_per_second": round(sum(over.outcomes.values()) / took), "wanted_per_second": round(capacity * 3)}
        found |= {"client_cores": round(ours / took, 2), "under_way_at_its_end": waiting, **_told(over)}
        after = {"seconds_until_answered_at_once": recovered - ended if recovered else None, **_told(calm.seen)}
        return found | {"memory_mib": self.server.memory(), "recovery": after}

    async def _recovery(self, client: Client, sent: Iterator[Review], rate: float) -> float | None:
        """When a review was first answered as fast as before, by the loop's clock."""
        found: float | None = None
        until = client.loop.time() + RECOVERY_SECONDS
        while client.loop.time() < until:
            before = len(client.seen.seconds)
            await pace(client, sent, rate, 0.1)
            fast = [seconds for seconds in client.seen.seconds[before:] if seconds < 0.1]
            if found is None and fast:
                found = client.loop.time()
        return found


def _told(seen: Seen) -> dict[str, Any]:
    return {
        "outcomes": dict(seen.outcomes),
        "failed": seen.failed,
        "wrong": seen.outcomes["wrong"],
        "p50_milliseconds": _milliseconds(seen.seconds, 0.5),
        "p99_milliseconds": _milliseconds(seen.seconds, 0.99),
        "most_milliseconds": _milliseconds(seen.seconds, 1.0),
        "examples": seen.examples,
    }


def _milliseconds(seconds: list[float], part: float) -> float | None:
    if not seconds:
        return None
    return round(sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))] * 1000, 2)


def _cost(answered: int, theirs: float, ours: float) -> dict[str, Any]:
    """CPU microseconds a review, of the server and of the client."""
    each = max(answered, 1) / 1e6
    return {"server_microseconds": round(theirs / each), "client_microseconds": round(ours / each)}


def _say(text: str) -> None:
    print(text, flush=True)


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "load_average_before": os.getloadavg()[0],
        "note": "the machine is shared: others used it at the same time",
    }


def is_good(found: dict[str, Any]) -> bool:
    """Whether no review failed, no answer was wrong, and it was back within a second."""
    over, after = found["overload"], found["overload"]["recovery"]
    counted = [*found["minutes"], over, after, found["capacity"]]
    back = after["seconds_until_answered_at_once"]
    taken = all(found["changes"]["taken"][what] >= made - 1 for what, made in found["changes"]["made"].items())
    return taken and back is not None and back <= 1.0 and not any(each["failed"] for each in counted)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--minutes", type=int, default=30)
    arguments.add_argument("--capacity-seconds", type=int, default=20, help="for how long the capacity is measured")
    arguments.add_argument("--port", type=int, default=18453, help="the server listens here, and on the next one")
    arguments.add_argument("--out", type=Path, default=RESULTS, help="where the results are written")
    options = arguments.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    gc.disable()
    machine = {"when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", **_machine()}
    with tempfile.TemporaryDirectory() as folder:
        server = Server.start(Path(folder), options.port)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found = {"machine": machine, **runner.run(Soak(server, options).run())}
        finally:
            server.end()
            errors = [line for line in (Path(folder) / "errors").read_text().splitlines() if '"level":"error"' in line]
    found |= {"errors": errors, "good": is_good(found) and not errors}
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    _say(f"{'good' if found['good'] else 'NOT GOOD'}: see {options.out}")
    sys.exit(not found["good"])


if __name__ == "__main__":
    main()
