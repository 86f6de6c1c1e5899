"""How this process runs: addresses, files, times. What it enforces is the policy's matter, never a setting's.

A setting is one field here: its flag, its environment variable and its help follow from it. Flags win over the
environment, and the environment over defaults.
"""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "PODGATE_"

Port = Annotated[int, Field(ge=0, le=65535)]

# Not settings of the server: the demonstration's ports, and what shows the trace of a mistake.
_OTHERS = re.compile(r"PODGATE_(DEBUG|DEMO_\w+)")
# A Service called podgate puts these into the environment of every pod beside it; one of them looks like a port.
_SERVICE_LINK = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
# Names of a namespace and of an object: nothing in them means anything in an address.
PLACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")


class SettingsError(Exception):
    """Settings that cannot be used: `problems` says of each what is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Environment(PydanticBaseSettingsSource):
    """PODGATE_* variables, without those that Kubernetes invents."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return environment(os.environ).get(variable(field_name)), field_name, False

    def __call__(self) -> dict[str, Any]:
        given = environment(os.environ)
        return {name: given[variable(name)] for name in self.settings_cls.model_fields if variable(name) in given}


class Settings(BaseSettings):
    """How `podgate serve` runs."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field("0.0.0.0", description="The address that answers the API server.")  # noqa: S104
    port: Port = Field(8443, description="Its port; 0 means any that is free.")
    ops_host: str | None = Field(
        None, description="The address of health and metrics. The same as --host when not given."
    )
    ops_port: Port = Field(8080, description="The port of health and metrics, in plain HTTP; 0 means any.")
    tls_cert: Path = Field(description="The serving certificate, with its chain, in PEM. Watched for changes.")
    tls_key: Path = Field(description="The key of the serving certificate, in PEM. Watched for changes.")
    tls_client_ca: Path | None = Field(
        None, description="Ask every client for a certificate of this authority. Watched for changes."
    )
    managed_certificates: tuple[str, str] | None = Field(
        None,
        description="Make and renew the certificate, and keep it with its authority in this Secret, NAMESPACE/NAME, of "
        "the cluster. It is then written to --tls-cert and --tls-key, not read from there.",
    )
    webhook_configuration: str = Field(
        "podgate",
        min_length=1,
        max_length=253,
        description="The ValidatingWebhookConfiguration whose caBundle is kept in step with managed certificates.",
    )
    policy: Path | None = Field(
        None, description="The GatePolicy file. The profile `recommended` when not given. Watched for changes."
    )
    cluster: str = Field(
        "auto",
        description="The cluster that namespaces, owners and rights are looked up in: `auto` is the one that Podgate "
        "runs in, if any, `off` is none, anything else a kubeconfig file.",
    )
    namespaces: Path | None = Field(
        None,
        description="A YAML file of Namespace objects, where there is no cluster, or instead of what it says of them. "
        "Watched for changes.",
    )
    model: Path | None = Field(
        None, description="The classifier's model file. The shipped one when not given. Watched for changes."
    )
    decision_log: str = Field("-", description="The file that decisions are written to; - is standard output.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is said on standard error."
    )
    read_timeout: float = Field(5.0, gt=0, le=300, description="Seconds that a request may take to arrive.")
    max_connections: int = Field(
        1000, ge=1, le=100_000, description="Connections at once; who comes when there are more is told to come back."
    )
    drain_seconds: float = Field(
        10.0, ge=0, le=600, description="Seconds to go on serving after SIGTERM, not being ready any more."
    )

    @field_validator("managed_certificates", mode="before")
    @classmethod
    def _place(cls, given: str | None) -> tuple[str, ...] | None:
        if given is None:
            return None
        if not PLACE.fullmatch(given):
            raise PydanticCustomError("place", "input should be NAMESPACE/NAME of a Secret")
        return tuple(given.split("/"))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)


def load(flags: Mapping[str, str]) -> Settings:
    """The settings, from the flags that were given and the environment. Raises SettingsError."""
    problems = list(_unknown(environment(os.environ)))
    try:
        settings = Settings(**flags)  # type: ignore[arg-type]  # texts, which it parses
    except ValidationError as error:
        problems += [_problem(str(found["loc"][0]), found["msg"], flags) for found in error.errors()]
        raise SettingsError(problems) from error
    if problems:
        raise SettingsError(problems)
    return settings


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that are meant for us."""
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(PREFIX)
        and not _OTHERS.fullmatch(name)
        and not _SERVICE_LINK.fullmatch(name)
        and not (name.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(value))
    }


def _unknown(given: Mapping[str, str]) -> Iterator[str]:
    known = [variable(name) for name in Settings.model_fields]
    for name in sorted(set(given) - set(known)):
        near = get_close_matches(name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known], n=1)
        yield f"{name} is not a setting" + (f": did you mean {PREFIX}{near[0]}?" if near else "")


def _problem(name: str, message: str, flags: Mapping[str, str]) -> str:
    if message == "Field required":
        return f"{flag(name)} (or {variable(name)}) is missing"
    said = flag(name) if name in flags else variable(name)
    return f"{said}: {message[0].lower()}{message[1:]}"
