"""Programs in other languages that are given on a command line, by each word that gives them away."""

import base64

import pytest

from policies import one_liner
from policies.deed import Deed

SOCKETS = ["socket", "fsockopen", "/inet/tcp", "tcpclient", "net.connect", "net/http"]
CONNECTS = ["connect", "fsockopen", "tcpsocket", "io::socket", "peeraddr", "tcpclient", "/inet/tcp", "net.socket"]
SHELLS = [
    "/bin/sh", "/bin/bash", "/bin/ash", "pty.spawn", "dup2", "cmd.exe", "proc_open", "popen", "shell_exec", "passthru",
    "system", "subprocess", "child_process", "invoke-expression", "iex", "|& getline", "os.execute",
]  # fmt: skip
FETCHES = [
    "urlopen", "urllib", "requests.get", "open-uri", "lwp::simple", "file_get_contents('http",
    'file_get_contents("http', "downloadstring", "downloadfile", "invoke-webrequest", "iwr ", "invoke-restmethod",
    "http.get(", "https.get(",
]  # fmt: skip
DECODES = [
    "b64decode", "base64", "decode64", "frombase64string", "fromhex", "unhexlify", "marshal.loads", "zlib.decompress",
    "rot13", "unpack(", "gzinflate", "atob(", "-enc",
]  # fmt: skip
RUNS = ["exec(", "eval(", "eval ", "iex", "invoke-expression", "instance_eval", "system(", "popen(", "subprocess"]


def judged(code: str) -> list[Deed]:
    return list(one_liner.judge(code.upper()))


@pytest.mark.parametrize("word", SOCKETS)
def test_a_socket(word: str) -> None:
    # "net.connect" connects by itself.
    assert judged(f"{word} peeraddr dup2") == [Deed.REVERSE_SHELL]


@pytest.mark.parametrize("word", CONNECTS)
def test_that_is_connected(word: str) -> None:
    assert judged(f"net/http {word} dup2") == [Deed.REVERSE_SHELL]


@pytest.mark.parametrize("word", SHELLS)
def test_to_a_shell(word: str) -> None:
    assert judged(f"net/http peeraddr {word}") == [Deed.REVERSE_SHELL]


def test_all_three_make_a_reverse_shell() -> None:
    assert judged("net/http peeraddr") == judged("net/http dup2") == judged("peeraddr dup2") == []


@pytest.mark.parametrize("word", FETCHES)
def test_what_is_fetched_and_run(word: str) -> None:
    assert judged(f"{word} eval(x)") == [Deed.DOWNLOAD_AND_RUN]
    assert judged(word) == []


@pytest.mark.parametrize("word", DECODES)
def test_what_is_decoded_and_run(word: str) -> None:
    assert judged(f"{word} eval(x)") == [Deed.DECODE_AND_RUN]
    assert judged(word) == []


@pytest.mark.parametrize("word", RUNS)
def test_how_text_is_run(word: str) -> None:
    assert judged(f"urlopen atob({word}x") == [Deed.DOWNLOAD_AND_RUN, Deed.DECODE_AND_RUN]
    assert judged(f"{word}x") == []


@pytest.mark.parametrize("word", ["system", "popen", "subprocess", "exec", "spawn", "passthru"])
def test_texts_that_are_handed_to_a_shell(word: str) -> None:
    code = f"""{word} "a 1" 'b 2' `c 3` "d" '' " """
    assert list(one_liner.commands_in(code)) == ["a 1", "b 2", "c 3"]


def test_without_such_a_word_texts_are_texts() -> None:
    assert list(one_liner.commands_in("print('a b')")) == []


def test_of_texts_only_so_many_are_read() -> None:
    assert len(list(one_liner.commands_in("exec" + "'a b'" * 51))) == 50
    assert len(list(one_liner.decoded_in("aGVsbG8gd29ybGQh " * 51))) == 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aGk=", "hi"),
        ("aGk", "hi"),
        (" aG\n k= ", "hi"),
        ("aGVsbG8gd29ybGQK", "hello world\n"),
        ("fn5-fn4_", "~~~~~?"),
        ("fn5+fn4/", "~~~~~?"),
        (base64.b64encode("hi you".encode("utf-16-le")).decode(), "hi you"),
        (base64.b64encode(b"a\0b\0").decode(), "ab"),
        (base64.b64encode(b"a\0b").decode(), None),
        (base64.b64encode(b"ab\0\0").decode(), None),
        (base64.b64encode(b"a\0bc").decode(), None),
        (base64.b64encode(b"a\x07").decode(), None),
        (base64.b64encode(b"\xff\xfe\xfd").decode(), None),
        ("", None),
        ("a", None),
        ("a!b=", None),
    ],
)
def test_what_stands_in_base64(text: str, expected: str | None) -> None:
    assert one_liner.decode(text) == expected


def test_base64_is_looked_for_in_long_runs() -> None:
    assert list(one_liner.decoded_in("x aGVsbG8gd29ybGQh y")) == ["hello world!"]
    assert list(one_liner.decoded_in("x aGVsbG8gd29ybG y")) == []
