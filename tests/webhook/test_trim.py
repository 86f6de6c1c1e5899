"""Memory that was freed goes back to the system."""

import ctypes
from pathlib import Path

import pytest

from webhook import trim
from webhook.trim import SECONDS, Trim

MIB = 1 << 20


def resident() -> int:
    """In bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@pytest.mark.skipif(trim._of_the_library() is None, reason="the C library has no malloc_trim")
def test_what_lies_free_behind_what_is_in_use_is_given_back() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype = library.memset.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    pieces = [library.malloc(64 << 10) for _ in range(1_024)]
    for piece in pieces:
        library.memset(piece, 1, 64 << 10)
    for piece in pieces[:-1]:
        library.free(piece)
    before = resident()
    Trim().check(force=True)
    assert before - resident() > 32 * MIB
    library.free(pieces[-1])


def test_it_is_done_from_time_to_time() -> None:
    now, given_back = [0.0], []

    def trimmed(pad: int) -> int:
        given_back.append((now[0], pad))
        return 1

    found = Trim(lambda: now[0], trimmed)
    for now[0] in (0.0, SECONDS - 1, SECONDS, SECONDS + 1, 2 * SECONDS, 2 * SECONDS + 1):
        found.check()
    found.check(force=True)
    assert given_back == [(SECONDS, 0), (2 * SECONDS, 0), (2 * SECONDS + 1, 0)]


def test_where_the_library_has_nothing_for_it_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trim, "_of_the_library", lambda: None)
    found = Trim(lambda: 0.0)
    found.check(force=True)
    assert found._due == SECONDS
