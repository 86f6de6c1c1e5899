"""Webhook configurations as the API server keeps them, and which requests it would ask them about.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook (predicates/rules/rules.go, generic/webhook.go).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from policies import selector


class UnclearError(Exception):
    """An object that is not what the API server would keep."""


class Service(Struct, frozen=True):
    name: str
    namespace: str
    port: int | None = None


class Client(Struct, frozen=True, rename="camel"):
    """Whom the API server calls, and by which authority it trusts them."""

    service: Service | None = None
    url: str | None = None
    ca_bundle: str | None = None


class Rule(Struct, frozen=True, rename="camel"):
    """Requests by what they are about; `*` is any."""

    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    scope: str = "*"

    def matches(self, request: "Request") -> bool:
        """Whether such a request is meant. The version is not asked for: the API server converts."""
        scopes = ("*", "Namespaced" if request.namespaced else "Cluster")
        return (
            self.scope in scopes
            and _among(request.operation, self.operations)
            and _among(request.group, self.api_groups)
            and any(_is_meant(each, request.resource) for each in self.resources)
        )


class Condition(Struct, frozen=True):
    name: str
    expression: str = ""


class Hook(Struct, frozen=True, rename="camel"):
    """An entry of a configuration. Absent fields are what the API server would fill in."""

    name: str
    client_config: Client = Client()
    rules: tuple[Rule, ...] | None = ()
    failure_policy: str = "Fail"
    timeout_seconds: int = 10
    namespace_selector: dict[str, Any] | None = None
    object_selector: dict[str, Any] | None = None
    match_conditions: tuple[Condition, ...] | None = ()

    @property
    def fails(self) -> bool:
        """Whether a request is refused when nobody answers."""
        return self.failure_policy != "Ignore"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return self.match_conditions or ()

    def asks(self, request: "Request") -> bool:
        """Whether its rules mean such a request, whatever its conditions say."""
        return any(rule.matches(request) for rule in self.rules or ())

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether objects are meant that are in a namespace with these labels."""
        wanted = self.namespace_selector
        return not wanted or selector.matches(wanted, labels)

    def about(self) -> Iterator[str]:
        """What it asks about, in kubectl's words: `pods`, `deployments.apps`."""
        seen: dict[str, None] = {}
        for rule in self.rules or ():
            for group in rule.api_groups:
                for resource in rule.resources:
                    seen[f"{resource}.{group}" if group else resource] = None
        return iter(seen)


class Meta(Struct, frozen=True):
    name: str = ""


class Configuration(Struct, frozen=True):
    """A ValidatingWebhookConfiguration or a MutatingWebhookConfiguration."""

    metadata: Meta = Meta()
    webhooks: tuple[Hook, ...] | None = ()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        return self.webhooks or ()


class Request(Struct, frozen=True):
    """A request that may be asked about: what is done to what; `resource` may have a subresource, `pods/status`."""

    group: str
    resource: str
    operation: str
    namespaced: bool = True


#: What is asked about wherever something is to run.
NEW_POD = Request("", "pods", "CREATE")


def read(obj: Any) -> Configuration:
    """A configuration. Raises UnclearError."""
    try:
        return msgspec.convert(obj, Configuration)
    except msgspec.ValidationError as error:
        raise UnclearError(f"the webhook configuration cannot be understood: {error}") from error


def _among(value: str, allowed: tuple[str, ...]) -> bool:
    return value in allowed or "*" in allowed


def _is_meant(pattern: str, resource: str) -> bool:
    """`*` means no subresources, `*/*` everything, `pods/*` pods with all their subresources."""
    (wanted, _, wanted_sub), (name, _, sub) = pattern.partition("/"), resource.partition("/")
    return wanted in ("*", name) and wanted_sub in ("*", sub)
