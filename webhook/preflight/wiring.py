"""Whether the API server finds Podgate and trusts it: Service, pods, ports, certificate and caBundle."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from certs import trust
from policies import selector
from webhook.preflight.configuration import Hook
from webhook.preflight.live import dig, listed
from webhook.preflight.report import Check, Result

_SOON = timedelta(days=14)
_HTTPS = 443

Json = dict[str, Any]


def decoded(text: Any) -> bytes | None:
    """What base64 stands for; None where it is none."""
    import base64  # noqa: PLC0415 - only for this
    import binascii  # noqa: PLC0415

    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def service(hook: Hook, found: Json | None) -> Check:
    """Whether the Service of an entry exists and has its port."""
    asked = hook.client_config.service
    if asked is None:
        return Check("service", Result.NOTE, f"{hook.name} calls {hook.client_config.url or 'nobody'}, and no Service")
    name = f"Service {asked.namespace}/{asked.name}"
    if found is None:
        return Check("service", Result.WRONG, f"{name}, which {hook.name} calls, does not exist")
    port = asked.port or _HTTPS
    if port_of(found, port) is None:
        known = ", ".join(str(each.get("port")) for each in listed(found, "spec", "ports")) or "none"
        return Check("service", Result.WRONG, f"{name} has no port {port}, which {hook.name} calls; it has {known}")
    return Check("service", Result.OK, f"{name} exists and has port {port}")


def port_of(service: Json, number: int) -> Json | None:
    """The port of a Service that has this number."""
    return next((each for each in listed(service, "spec", "ports") if each.get("port") == number), None)


def chosen(service: Json, pods: Sequence[Json]) -> list[Json]:
    """The pods that a Service leads to."""
    wanted = dig(service, "spec", "selector")
    if not isinstance(wanted, dict) or not wanted:
        return []
    return [pod for pod in pods if selector.matches({"matchLabels": wanted}, dig(pod, "metadata", "labels") or {})]


def replicas(service: Json, pods: Sequence[Json]) -> Iterator[Check]:
    """Whether a Service leads to pods that are ready. `pods` are those of its namespace."""
    name = dig(service, "metadata", "name")
    found = chosen(service, pods)
    if not found:
        wanted = ",".join(f"{key}={value}" for key, value in (dig(service, "spec", "selector") or {}).items())
        yield Check("pods", Result.WRONG, f"no pod has what Service {name} selects: {wanted or 'nothing'}")
        return
    ready = [pod for pod in found if _is_ready(pod)]
    text = f"{len(ready)} of {len(found)} pods of Service {name} are ready"
    if not ready:
        yield Check("pods", Result.WRONG, f"{text}: nobody answers now")
    elif len(ready) == 1:
        yield Check("pods", Result.NOTE, f"{text}: nobody answers while it restarts")
    else:
        yield Check("pods", Result.OK, text)


def _is_ready(pod: Json) -> bool:
    conditions = listed(pod, "status", "conditions")
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def ports(service: Json, number: int, pods: Sequence[Json], flag: str = "--port") -> Check:
    """Whether a Service's port leads to the one that the container serves on."""
    port = port_of(service, number) or {}
    target = port.get("targetPort", number)
    pod = next(iter(chosen(service, pods)), None)
    if pod is None:
        return Check("ports", Result.UNSEEN, "there is no pod whose ports could be compared")
    container, served = next(
        ((each, value) for each in listed(pod, "spec", "containers") if (value := argument(each, flag))), ({}, None)
    )
    names = {each.get("name"): each.get("containerPort") for each in listed(container, "ports")}
    every = {
        each.get("name"): each.get("containerPort")
        for other in listed(pod, "spec", "containers")
        for each in listed(other, "ports")
    }
    reached = every.get(target) if isinstance(target, str) else target
    if reached is None:
        return Check("ports", Result.WRONG, f"port {number} leads to {target}, which no container's port is called")
    if served is not None and str(reached) != served:
        return Check(
            "ports", Result.WRONG, f"port {number} leads to {reached}, but Podgate serves on {served} ({flag})"
        )
    if served is None and reached not in names.values() and reached not in every.values():
        return Check("ports", Result.NOTE, f"port {number} leads to {reached}, which no container says it serves on")
    return Check("ports", Result.OK, f"port {number} leads to {reached}, where Podgate serves")


def argument(container: Json, flag: str) -> str | None:
    """The value of a flag among a container's arguments: `--flag=value` or `--flag value`."""
    words = [each for name in ("command", "args") for each in dig(container, name) or [] if isinstance(each, str)]
    for index, word in enumerate(words):
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
        if word == flag and index + 1 < len(words):
            return words[index + 1]
    return None


def mounted(spec: Json | None, flag: str) -> tuple[str, str] | None:
    """Name and key of the ConfigMap behind a file that a flag names, in a pod's spec."""
    volumes = {each.get("name"): each for each in listed(spec, "volumes")}
    for container in listed(spec, "containers"):
        file = argument(container, flag)
        for mount in listed(container, "volumeMounts"):
            at = str(mount.get("mountPath")).rstrip("/") + "/"
            if file is None or not file.startswith(at):
                continue
            volume = dig(volumes.get(mount.get("name")), "configMap") or {}
            name = volume.get("name")
            path = file.removeprefix(at)
            key = next((item.get("key") for item in listed(volume, "items") if item.get("path") == path), path)
            if name:
                return str(name), str(key)
    return None


def certificate(hook: Hook, shown: tuple[bytes, str] | None, now: datetime) -> Iterator[Check]:
    """Whether the API server would trust what is served: a certificate, and where it was read.

    Without one, only what can be said of the caBundle alone. A Secret is never asked for: its key would come with it.
    """
    asked = hook.client_config.service
    if not hook.client_config.ca_bundle:
        text = f"{hook.name} has no caBundle: public authorities alone are trusted, and none signs names of Services"
        yield Check("trust", Result.WRONG, text)
        return
    bundle = decoded(hook.client_config.ca_bundle) or b""
    name = f"{asked.name}.{asked.namespace}.svc" if asked is not None else _host(hook.client_config.url)
    try:
        yield from _alone(hook, bundle, now) if shown is None else _trusted(hook, bundle, *shown, name, now)
    except trust.UnreadableError as error:
        yield Check("trust", Result.WRONG, f"{hook.name}: {error}")


def _alone(hook: Hook, bundle: bytes, now: datetime) -> Iterator[Check]:
    if found := trust.bundle_problems(bundle, now):
        yield Check("trust", Result.WRONG, f"{hook.name} trusts nobody: {'; '.join(found)}")
        return
    text = "whether the caBundle leads to what replicas show: Secrets are not read. Give tls.crt by --tls-cert"
    yield Check("trust", Result.UNSEEN, text)


def _trusted(hook: Hook, bundle: bytes, shown: bytes, where: str, name: str, now: datetime) -> Iterator[Check]:
    found, end = trust.problems(shown, bundle, name, now), trust.ends(shown)
    if found:
        yield Check("trust", Result.WRONG, f"{hook.name} would not trust {where}: {'; '.join(found)}")
    else:
        yield Check("trust", Result.OK, f"{hook.name} trusts {where} as {name}, until {end:%Y-%m-%dT%H:%M:%SZ}")
    if now < end < now + _SOON:
        yield Check("expiry", Result.NOTE, f"{where} ends in {(end - now).days} days: see that it is renewed")


def _host(url: str | None) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only for this

    return urlsplit(url or "").hostname or ""
