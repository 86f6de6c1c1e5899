"""A look at a cluster, from the webhook configuration to the last pod."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policies import config
from policies.config import Policy, PolicyError
from webhook.preflight import configuration, outage, wiring
from webhook.preflight.census import LISTINGS, Census
from webhook.preflight.configuration import NEW_POD, Configuration, Hook, Service, UnclearError
from webhook.preflight.live import Live, UnseenError, dig
from webhook.preflight.outage import NAME_LABEL
from webhook.preflight.report import Check, Judged, Report, Result
from webhook.report import PolicyRef

_HOOKS = "/apis/admissionregistration.k8s.io/v1"
_OWN_NAMESPACE = "podgate-system"
_POLICY = ("podgate-policy", "policy.yaml")

Json = dict[str, Any]


@dataclass(slots=True)
class Survey:
    """One look. `given` are manifests that are about to be applied, by kind: they count instead of what is there.

    `shown` is the certificate that replicas show, and where it was read; it is not looked for in the cluster.
    """

    live: Live
    name: str
    now: datetime
    policy: tuple[Policy, str] | None = None
    given: dict[str, Json] = field(default_factory=dict)
    shown: tuple[bytes, str] | None = None
    checks: list[Check] = field(default_factory=list)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self) -> Report:
        """Look at everything that can be looked at."""
        found = self._configuration()
        own = _service(found)
        at = own.namespace if own is not None else _OWN_NAMESPACE
        self._learn_namespaces()
        if found.hooks:
            self.checks += outage.checks(found, at, self.namespaces)
            self._neighbours(found, at)
        spec = self._pod_spec(own, at)
        self._wiring(found, own)
        judged = self._judged(found, at, spec)
        held = outage.held(found, self.namespaces)
        return Report(self.live.address, self.name, held, tuple(self.checks), judged)

    def _looked(self, name: str, look: Callable[[], Any]) -> Any:
        """What a look brings; None, and a check that says so, where it is not possible."""
        try:
            return look()
        except UnseenError as error:
            self.checks.append(Check(name, Result.UNSEEN, str(error)))
            return None

    def _configuration(self) -> Configuration:
        path = f"{_HOOKS}/validatingwebhookconfigurations/{self.name}"
        before = len(self.checks)
        there = self._looked("configuration", lambda: self.live.get(path))
        given = self.given.get("ValidatingWebhookConfiguration")
        try:
            if given is not None:
                return configuration.read(_with_bundles(given, there))
            if there is not None:
                return configuration.read(there)
        except UnclearError as error:
            self.checks.append(Check("configuration", Result.WRONG, str(error)))
            return Configuration()
        if len(self.checks) == before:
            text = f"there is no ValidatingWebhookConfiguration {self.name}: nothing is asked about"
            self.checks.append(Check("configuration", Result.WRONG, text))
        return Configuration()

    def _learn_namespaces(self) -> None:
        try:
            for each in self.live.items("/api/v1/namespaces"):
                name, labels = dig(each, "metadata", "name"), dig(each, "metadata", "labels") or {}
                self.namespaces[str(name)] = {NAME_LABEL: str(name), **labels}
        except UnseenError as error:
            text = f"{error}: namespaces are known by their names alone, and held to the strictest level they may have"
            self.checks.append(Check("namespaces", Result.UNSEEN, text))

    def _neighbours(self, found: Configuration, at: str) -> None:
        others: list[Configuration] = []
        complete = True
        for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
            try:
                others += [
                    configuration.read(each)
                    for each in self.live.items(f"{_HOOKS}/{kind}")
                    if not (kind.startswith("v") and dig(each, "metadata", "name") == self.name)
                ]
            except (UnseenError, UnclearError) as error:
                complete = False
                self.checks.append(Check("other webhooks", Result.UNSEEN, str(error)))
        seen = outage.neighbours(found, at, others, self.namespaces)
        self.checks += [each for each in seen if complete or each.result is not Result.OK]

    def _pod_spec(self, own: Service | None, at: str) -> Json | None:
        """What the replicas are made from: the Deployment that is called as the Service is."""
        name = own.name if own is not None else self.name
        found = self._looked("deployment", lambda: self.live.get(f"/apis/apps/v1/namespaces/{at}/deployments/{name}"))
        spec: Json | None = dig(found, "spec", "template", "spec")
        return spec

    def _wiring(self, found: Configuration, own: Service | None) -> None:
        if own is None:
            self.checks += [wiring.service(hook, None) for hook in found.hooks]
            return
        where = f"/api/v1/namespaces/{own.namespace}"
        try:
            service = self.live.get(f"{where}/services/{own.name}")
        except UnseenError as error:
            self.checks.append(Check("service", Result.UNSEEN, str(error)))
        else:
            self.checks += _once(wiring.service(hook, service) for hook in found.hooks)
            if service is not None:
                self._replicas(service, own, where)
        trusted = (check for hook in found.hooks for check in wiring.certificate(hook, self.shown, self.now))
        self.checks += _once(trusted)

    def _replicas(self, service: Json, own: Service, where: str) -> None:
        try:
            pods = list(self.live.items(f"{where}/pods"))
        except UnseenError as error:
            self.checks += [Check(name, Result.UNSEEN, str(error)) for name in ("pods", "ports")]
            return
        self.checks += wiring.replicas(service, pods)
        port = own.port or 443
        if wiring.port_of(service, port) is not None:
            self.checks.append(wiring.ports(service, port, pods))

    def _judged(self, found: Configuration, at: str, spec: Json | None) -> Judged | None:
        loaded = self.policy or self._policy(at, spec)
        if loaded is None:
            return None
        policy, source = loaded
        hooks = [hook for hook in found.hooks if hook.asks(NEW_POD)] or [_default(at)]
        census = Census(policy, self._labels, lambda name: self._is_asked(hooks, name), self.now)
        for each in LISTINGS:
            try:
                for obj in self.live.items(each.path, each.query):
                    census.add(each.kind, each.api_version, obj)
            except UnseenError as error:
                self.checks.append(Check("what runs", Result.UNSEEN, str(error)))
        ref = PolicyRef(policy.name, policy.hash)
        return Judged(ref, source, policy.mode, census.spaces(), census.denials(), census.omitted)

    def _labels(self, name: str) -> dict[str, str] | None:
        return self.namespaces.get(name)

    def _is_asked(self, hooks: list[Hook], name: str) -> bool:
        return any(hook.covers(outage.labels_of(name, self.namespaces)) for hook in hooks)

    def _policy(self, at: str, spec: Json | None) -> tuple[Policy, str] | None:
        """The policy of the ConfigMap that the replicas read."""
        name, key = wiring.mounted(spec, "--policy") or _POLICY
        source = f"ConfigMap {at}/{name}"
        found = self.given.get("ConfigMap")
        if found is None:
            try:
                found = self.live.get(f"/api/v1/namespaces/{at}/configmaps/{name}")
            except UnseenError as error:
                self.checks.append(Check("policy", Result.UNSEEN, f"{error}: name a file with --policy"))
                return None
        text = dig(found, "data", key)
        if not isinstance(text, str):
            text = f"{source} has no {key}: name a file with --policy"
            self.checks.append(Check("policy", Result.WRONG, text))
            return None
        try:
            return config.parse(text), source
        except PolicyError as error:
            self.checks.append(Check("policy", Result.WRONG, error.told(source)))
            return None


def _service(found: Configuration) -> Service | None:
    services = (hook.client_config.service for hook in found.hooks)
    return next((each for each in services if each is not None), None)


def _default(own: str) -> Hook:
    """As the manifests have it: everything but the cluster's own namespaces and ours."""
    names = ["kube-system", "kube-public", "kube-node-lease", own]
    wanted = {"matchExpressions": [{"key": NAME_LABEL, "operator": "NotIn", "values": names}]}
    return Hook("pods", namespace_selector=wanted)


def _with_bundles(given: Json, there: Json | None) -> Json:
    """A configuration that is about to be applied, with what was filled in where it is applied to."""
    known = {each.get("name"): dig(each, "clientConfig", "caBundle") for each in _hooks(there)}
    hooks = []
    for each in _hooks(given):
        client = dig(each, "clientConfig") or {}
        bundle = client.get("caBundle") or known.get(each.get("name"))
        hooks.append({**each, "clientConfig": {**client, **({"caBundle": bundle} if bundle else {})}})
    return {**given, "webhooks": hooks}


def _hooks(found: Json | None) -> list[Json]:
    hooks = dig(found, "webhooks")
    return [each for each in hooks if isinstance(each, dict)] if isinstance(hooks, list) else []


def _once(checks: Iterator[Check]) -> list[Check]:
    """Without what was said already."""
    return list(dict.fromkeys(checks))
