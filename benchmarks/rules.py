"""What rules cost: judging one pod, and checking many manifests from disk.

A pod is judged once only, as in a server: what it remembers of itself is thrown away with it. The manifests are those
of a corpus (CORPUS=FILE: gzip, one JSON object a line, with the manifest under `object`), or the examples of the rules.
They are written as one YAML file each, and checked as `podgate check` does. What is printed is CPU time of this
process, the median of the samples.
"""

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from benchmarks.review import review
from policies import config, registry, resource
from policies.config import Policy
from policies.decision import decide
from policies.engine import Engine
from policies.resource import Resource, UnreadableObjectError
from policies.standard import LATEST, Level, Standard
from tests.policies import examples
from webhook import check, formats, manifest
from webhook.report import Telling

Json = dict[str, Any]
STRICTEST = Standard(Level.RESTRICTED, LATEST)
PODS = 300
Case = TypeVar("Case", bound=Hashable)


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def exhaust(items: Iterable[object]) -> None:
    deque(items, maxlen=0)


# One pod.


def hardened() -> Json:
    """The pod of a well-kept service, with 1 container, as an API server sends it."""
    found: Json = json.loads(review(1))["request"]["object"]
    return found


def careless() -> Json:
    """A pod that sets nothing."""
    spec = {"containers": [{"name": "app", "image": "nginx"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec}


def microseconds(engine: Engine, obj: Json) -> float:
    """For one pod that nobody has looked at yet."""
    pods = [resource.read(obj) for _ in range(PODS)]
    return seconds(lambda: exhaust(map(engine.evaluate, pods))) / PODS * 1e6


def pod(samples: int) -> None:
    rules = registry.load()
    engines = {"all rules": Engine(rules, STRICTEST), "and the classifier": config.of_profile("all").engine}
    pods = {"hardened": hardened(), "careless": careless()}
    cases = {(name, what): (engine, obj) for name, obj in pods.items() for what, engine in engines.items()}
    print(f"CPU microseconds to judge a pod with 1 container, once it is read ({len(rules)} rules; limit 200)")
    print(f"  {'':<44} median   least")
    for (name, what), costs in interleaved(cases, samples).items():
        findings = len(cases[name, what][0].evaluate(resource.read(pods[name])).findings)
        said = f"{name} pod ({findings} findings), {what}"
        print(f"  {said:<44} {statistics.median(costs):>6.0f}  {min(costs):>6.0f}")
    print("The dearest rules, each alone with the hardened pod")
    alone = interleaved({rule.id: (Engine([rule], STRICTEST), pods["hardened"]) for rule in rules}, samples)
    nothing = statistics.median(microseconds(Engine([], STRICTEST), pods["hardened"]) for _ in range(samples))
    medians = {rule: statistics.median(costs) - nothing for rule, costs in alone.items()}
    for rule in sorted(medians, key=medians.__getitem__, reverse=True)[:10]:
        print(f"  {rule:<44} {medians[rule]:>6.1f}")


def interleaved(cases: Mapping[Case, tuple[Engine, Json]], samples: int) -> dict[Case, list[float]]:
    """Samples of each in turn: a machine that other work slows down slows all of them alike."""
    costs: dict[Case, list[float]] = {case: [] for case in cases}
    for _ in range(samples):
        for case, (engine, obj) in cases.items():
            costs[case].append(microseconds(engine, obj))
    return costs


# Many manifests.


def objects(corpus: str | None) -> list[Json]:
    if corpus is None:
        return [examples.obj(case) for _, case in (*examples.good(), *examples.bad())]
    with gzip.open(corpus, "rt") as lines:
        return [json.loads(line)["object"] for line in lines]


def write(folder: Path, objects: Iterable[Json]) -> None:
    for number, obj in enumerate(objects):
        text = yaml.dump(obj, Dumper=yaml.CSafeDumper, sort_keys=False)
        (folder / f"{number:06d}.yaml").write_text(text)


def read(folder: str) -> Iterator[manifest.Manifest]:
    for file in manifest.find([folder]):
        for document in manifest.read(file.content):
            held = [] if isinstance(document, manifest.Flaw) else manifest.objects(document)
            yield from (each for each in held if isinstance(each, manifest.Manifest))


def understood(manifests: Iterable[manifest.Manifest]) -> Iterator[Resource]:
    for each in manifests:
        try:
            yield resource.read(each.value)
        except UnreadableObjectError:
            continue


def judging(folder: str, policy: Policy) -> float:
    manifests = list(read(folder))
    return seconds(lambda: exhaust(decide(policy.engine.evaluate(each), policy) for each in understood(manifests)))


def stages(folder: str, policy: Policy) -> dict[str, float]:
    """CPU seconds of each step. Reading and judging are measured by themselves, finding lines is what they leave."""
    costs = {"reading YAML": seconds(lambda: exhaust(read(folder))), "judging": judging(folder, policy)}
    reports = []
    # In this process, whose time is measured, and telling what the text format tells.
    told = Telling(recorded=False)
    whole = seconds(lambda: reports.append(check.judge(manifest.find([folder]), policy, telling=told)))
    costs["finding lines, and the rest"] = max(0.0, whole - sum(costs.values()))
    text = formats.load("text")
    costs["writing the report"] = seconds(lambda: exhaust(text.render(reports[0], colour=False, verbose=False)))
    return costs


def disk(samples: int) -> None:
    made = objects(os.environ.get("CORPUS"))
    policy = config.of_profile()
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), made)
        taken = [stages(folder, policy) for _ in range(samples)]
    costs = {name: statistics.median(each[name] for each in taken) for name in taken[0]}
    whole = sum(costs.values())
    print(f"{len(made):,} manifests from disk, profile {policy.name}: {len(made) / whole:,.0f} a second and core")
    for name, cost in costs.items():
        print(f"  {name:<30} {cost / len(made) * 1e6:>6.0f} us a manifest {100 * cost / whole:>5.1f} %")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--samples", type=int, default=7, help="of the manifests; three times as many of a pod")
    samples = arguments.parse_args().samples
    pod(3 * samples)
    disk(samples)


if __name__ == "__main__":
    main()
