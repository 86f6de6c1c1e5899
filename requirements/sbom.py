"""What is in the image that serves, as CycloneDX 1.6, from the lock it is installed from: `make sbom`.

usage: python requirements/sbom.py LOCK PYPROJECT

The same lock gives the same bytes: no time and no random number is in it.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PACKAGE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))? ?\\?$")
_HASH = re.compile(r"^ +--hash=sha256:(?P<hash>[0-9a-f]{64}) ?\\?$")
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562: names that are URLs


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The bill of materials of a project and what its lock names."""
    components = list(_components(lock))
    own = _component(project["name"], project["version"], "application")
    own["licenses"] = [{"license": {"id": project["license"]}}]
    depends = [{"ref": own["bom-ref"], "dependsOn": [each["bom-ref"] for each in components]}]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, own['purl'] + lock)}",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
        "dependencies": depends,
    }


def _components(lock: str) -> Iterator[dict[str, Any]]:
    current: dict[str, Any] | None = None
    for line in lock.splitlines():
        if found := _PACKAGE.match(line):
            if current is not None:
                yield current
            current = _component(found["name"], found["version"], "library")
            # Wheels for other machines have other hashes: all that would be accepted are told, as properties.
            current["properties"] = []
            if found["marker"]:
                current["properties"].append({"name": "podgate:marker", "value": found["marker"].strip()})
        elif (found := _HASH.match(line)) and current is not None:
            current["properties"].append({"name": "podgate:accepted-sha256", "value": found["hash"]})
    if current is not None:
        yield current


def _component(name: str, version: str, kind: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}"
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 2:
        sys.stderr.write(f"{(__doc__ or '').split(chr(10) * 2)[1]}\n")
        return 2
    lock, pyproject = (Path(each).read_text() for each in arguments)
    json.dump(bill(lock, tomllib.loads(pyproject)["project"]), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
