"""The API server of a cluster: where it is, how it is spoken to, and nothing of what it is asked.

The client package of Kubernetes does what it knows best: kubeconfig files, service accounts, tokens and TLS. It is
imported here only, and only where there is a cluster. What is sent and received is plain JSON, because its typed
models refuse objects that the API server itself accepts.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import msgspec

from webhook.metrics import ClusterResult

#: What the setting can be besides the path of a kubeconfig.
AUTO, OFF = "auto", "off"
#: Where a pod finds the token of its service account, and the authority of the API server.
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MAX_BYTES = 8 << 20
JSON, JSON_PATCH = "application/json", "application/json-patch+json"
_PART_BYTES = 64 << 10
_SHOWN = 200
_RENEW_SECONDS = 10.0
_CONNECTIONS = 12
_RESULTS: dict[int, ClusterResult] = {401: "refused", 403: "refused", 404: "missing"}


class ClusterError(Exception):
    """The cluster did not answer, or not with what was asked for. The text holds no secret."""

    def __init__(self, problem: str, result: ClusterResult = "failed", status: int = 0) -> None:
        super().__init__(problem)
        self.result: ClusterResult = result
        self.status = status


class TooLargeError(ClusterError):
    """The answer is larger than is read."""


def connect(setting: str, account: Path = ACCOUNT, *, context: str | None = None) -> "Cluster | None":
    """The cluster that the setting names; None where there is none. Nothing is asked yet. Raises ClusterError.

    `context` is one of the kubeconfig's, which has a current one.
    """
    if setting == OFF or (setting == AUTO and not _is_inside(account)):
        return None
    return Cluster(account if setting == AUTO else Path(setting), inside=setting == AUTO, context=context)


def _is_inside(account: Path) -> bool:
    variables = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    return all(os.environ.get(name) for name in variables) and (account / "token").is_file()


class Cluster:
    """Asks the API server. Safe to be used by several threads at once."""

    def __init__(
        self, source: Path, *, inside: bool, context: str | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """`source` is a kubeconfig, or the folder of a service account. Raises ClusterError."""
        self._source = source
        self._inside = inside
        self._context = context
        self._clock = clock
        self._lock = Lock()
        self._opened_at = clock()
        self._configuration, self._pool = _open(source, inside=inside, context=context)
        self.address = str(self._configuration.host)

    def ask(self, method: str, path: str, seconds: float, body: Any = None, kind: str = JSON) -> bytes:
        """What is answered with a status of success. `kind`: the media type of the body. Raises ClusterError."""
        until = self._clock() + seconds
        response = self._send(method, path, seconds, body, kind)
        content = bytearray()
        with closing(response):
            for part in _parts(response, seconds):
                content += part
                if len(content) > MAX_BYTES:
                    raise TooLargeError(f"the answer is larger than {MAX_BYTES >> 20} MiB")
                if self._clock() > until:
                    raise _late(seconds)
        self._check(response.status)
        return bytes(content)

    @contextmanager
    def follow(self, path: str, seconds: float) -> Iterator["Stream"]:
        """An answer that goes on and on, as long as something comes every so many seconds. Raises ClusterError."""
        with closing(self._send("GET", path, seconds)) as response:
            self._check(response.status)
            yield Stream(response, seconds)

    def close(self) -> None:
        """Close what is not in use."""
        self._pool.clear()

    def _send(self, method: str, path: str, seconds: float, body: Any = None, kind: str = JSON) -> Any:
        """The beginning of an answer; closing it gives a connection back that was read to its end."""
        try:
            return self._pool.request(
                method,
                self.address + path,
                body=None if body is None else msgspec.json.encode(body),
                headers=self._headers(kind),
                timeout=seconds,
                preload_content=False,
                # A redirect would lead the token to whatever address it names.
                redirect=False,
                retries=False,
            )
        except Exception as error:  # noqa: BLE001 - it is another's code, and has many kinds of errors
            raise _failure(error, seconds) from None

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {"accept": JSON, "content-type": kind, "user-agent": "podgate"}
        for found in self._configuration.auth_settings().values():
            if found["in"] == "header" and found["value"]:
                headers[found["key"]] = found["value"].strip()
        return headers

    def _check(self, status: int) -> None:
        if status == 401:
            self._renew()
        if not 200 <= status < 300:
            raise ClusterError(f"the answer is HTTP {status}", _RESULTS.get(status, "failed"), status)

    def _renew(self) -> None:
        """Read the files anew: who we are may have changed before it was due."""
        with self._lock:
            if self._clock() - self._opened_at < _RENEW_SECONDS:
                return
            self._opened_at = self._clock()
            with suppress(ClusterError):
                self._configuration, self._pool = _open(self._source, inside=self._inside, context=self._context)


class Stream:
    """Lines, as they come."""

    def __init__(self, response: Any, seconds: float) -> None:
        self._response = response
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        held = b""
        for part in _parts(self._response, self._seconds):
            *lines, held = (held + part).split(b"\n")
            if len(held) > MAX_BYTES:
                raise ClusterError(f"a line is larger than {MAX_BYTES >> 20} MiB")
            yield from filter(None, lines)
        if held:
            raise ClusterError("the last line has no end")

    def stop(self) -> None:
        """End it, from another thread."""
        with suppress(Exception):  # it has ended already
            getattr(self._response, "shutdown", self._response.close)()


def _parts(response: Any, seconds: float) -> Iterator[bytes]:
    try:
        yield from response.stream(_PART_BYTES, decode_content=False)
    except Exception as error:  # noqa: BLE001 - as above
        raise _failure(error, seconds) from None


def _open(source: Path, *, inside: bool, context: str | None) -> tuple[Any, Any]:
    """How the API server is reached, and a pool of connections to it. Raises ClusterError."""
    try:
        configuration = _inside(source) if inside else _kubeconfig(source, context)
        configuration.connection_pool_maxsize = _CONNECTIONS
        configuration.keep_alive = True
        return configuration, _pool(configuration)
    except OSError as error:
        raise ClusterError(f"{source} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except Exception as error:  # noqa: BLE001 - it meets everything that can be wrong with a file as it comes
        # Its messages show the part of the file that is wrong, with whatever secret is in it, from a brace on.
        said = str(error).partition("{")[0].splitlines()[:1]
        raise ClusterError(f"{source} does not lead to a cluster: {''.join(said)[:_SHOWN]}") from None


def _inside(account: Path) -> Any:
    from kubernetes.client import Configuration  # noqa: PLC0415 - half a second, and forty megabytes
    from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

    found = Configuration()
    loader: Any = InClusterConfigLoader
    loader(str(account / "token"), str(account / "ca.crt")).load_and_set(found)
    return found


def _kubeconfig(path: Path, context: str | None) -> Any:
    from kubernetes import config  # noqa: PLC0415
    from kubernetes.client import Configuration  # noqa: PLC0415

    with path.open("rb"):  # what cannot be read is passed over otherwise
        found = Configuration()
        load: Any = config.load_kube_config
        load(str(path), context=context, client_configuration=found, persist_config=False)
    return found


def _pool(configuration: Any) -> Any:
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415

    return RESTClientObject(configuration).pool_manager


def _failure(error: Exception, seconds: float) -> ClusterError:
    """What went wrong, without what may hold a secret: an error about a header shows the header."""
    kind = type(error)
    if "Timeout" in kind.__name__:
        return _late(seconds)
    shown = isinstance(error, OSError) or (kind.__module__.startswith("urllib3.") and not isinstance(error, ValueError))
    return ClusterError(f"{kind.__name__}: {' '.join(str(error).split())[:_SHOWN]}" if shown else kind.__name__)


def _late(seconds: float) -> ClusterError:
    return ClusterError(f"there was no answer within {seconds:.1f} s", "late")
