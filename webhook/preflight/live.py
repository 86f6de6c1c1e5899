"""Reading a cluster: single objects and long lists, a page at a time, and what may not be read."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from webhook.cluster import Cluster, ClusterError, TooLargeError

_SECONDS = 30.0
_PAGE = 500
_MOST_PAGES = 10_000


class UnseenError(Exception):
    """Something that could not be looked at: why, for a person."""


class Live:
    """A cluster that is only ever read."""

    def __init__(self, cluster: Cluster, progress: Callable[[int, int], None] = lambda _objects, _lists: None) -> None:
        """`progress` is told how many objects of how many lists were read."""
        self._cluster = cluster
        self._progress = progress
        self._objects = self._lists = 0
        self.address = cluster.address

    def get(self, path: str) -> Any:
        """An object; None where there is none. Raises UnseenError."""
        try:
            return msgspec.json.decode(self._cluster.ask("GET", path, _SECONDS))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise UnseenError(_why(error, path)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UnseenError(f"what {path} holds is not JSON") from error

    def items(self, path: str, query: str = "") -> Iterator[dict[str, Any]]:
        """The objects of a list, of which one page at a time is in memory. Raises UnseenError, also on the way.

        A cluster that does not know the kind has none of it.
        """
        limit, more = _PAGE, ""
        self._lists += 1
        for _ in range(_MOST_PAGES):
            try:
                page = self.get(f"{path}?limit={limit}{query}" + (f"&continue={quote(more, safe='')}" if more else ""))
            except UnseenError as error:
                if isinstance(error.__cause__, TooLargeError) and limit > 1:
                    limit //= 2
                    continue
                raise
            if page is None:
                return
            found = page.get("items") if isinstance(page, dict) else None
            for item in found if isinstance(found, list) else ():
                if isinstance(item, dict):
                    self._objects += 1
                    yield item
                    self._progress(self._objects, self._lists)
            meta = page.get("metadata") if isinstance(page, dict) else None
            more = meta.get("continue") or "" if isinstance(meta, dict) else ""
            if not more:
                return
        raise UnseenError(f"{path} has more than {_MOST_PAGES:,} pages: what was counted is not all")


def _why(error: ClusterError, path: str) -> str:
    path = path.partition("?")[0]
    if error.result == "refused":
        return f"your account may not read {path}"
    if error.status == 410:
        return f"{path} changed too much while it was read: what was counted is not all"
    return f"{path} could not be read: {error}"


def dig(obj: Any, *path: str) -> Any:
    """What is at a path of fields; None where there is nothing."""
    for step in path:
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def listed(obj: Any, *path: str) -> list[dict[str, Any]]:
    """The objects of the list at a path of fields; none where there is no list."""
    found = dig(obj, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
