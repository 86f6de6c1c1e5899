"""What one command runs: behind which wrappers, with which code, and where a download goes."""

import pytest

from policies import argv
from policies.argv import INTERPRETERS, SHELLS, Given
from policies.shell_word import OUTPUT, Word


def words(line: str) -> list[Word]:
    return [Word(text) for text in line.split()]


class TestNames:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("sh", "sh"),
            ("/usr/bin/Python3.11", "python"),
            ("perl5", "perl"),
            ("nodejs18", "nodejs"),
            ("ip6tables2", "ip6tables2"),
            ("python3.11-config", "python3.11-config"),
            ('"/bin/sh"', "sh"),
            ("'sh'", "sh"),
            (r"C:\Windows\System32\CMD.exe", "cmd"),
            ("a.exe.txt", "a.exe.txt"),
            ("", ""),
            ("/", ""),
        ],
    )
    def test_programs(self, text: str, name: str) -> None:
        assert argv.name_of(Word(text)) == name

    def test_of_a_long_word_the_first_characters_count(self) -> None:
        assert argv.name_of(Word("/" * 498 + "sh")) == "sh"
        assert argv.name_of(Word("/" * 499 + "sh")) == "s"

    def test_a_bounded_number_is_remembered(self) -> None:
        for number in range(1_100):
            argv.name_of(Word(f"/bin/program-{number}"))
        assert argv._name.cache_info().currsize == argv._name.cache_info().maxsize == 1_024

    def test_shells_and_interpreters(self) -> None:
        shells = "ash bash csh dash fish hush ksh mksh rbash sh tcsh zsh"
        assert sorted(SHELLS) == shells.split()
        interpreters = "lua node nodejs perl php powershell pwsh python ruby"
        assert sorted(INTERPRETERS) == interpreters.split()


WRAPPED = [
    "env -u A -C /x --unset B --chdir /y A=b -i",
    "env A=b --",
    "timeout -k 5 -s KILL --kill-after 5 --signal KILL --foreground 30",
    "nice -n 5 --adjustment 5",
    "ionice -c 2 -n 7 -p 1 -t",
    "sudo -u a -g b -h c -p d -C 3 -r e -t f -U g -D /x --user h --group i -E",
    "doas -u a -C /x -n",
    "stdbuf -i 0 -o 0 -e 0 -x",
    "nsenter -t 5 --target 5 -S 0 -G 0 --setuid 0 --setgid 0 -n",
    "unshare -S 0 -G 0 -R /x -w /y --setuid 0 --setgid 0 --root /x -n",
    "xargs -I {} -n 1 -P 2 -d x -L 1 -E x -a f -s 9 -r",
    "chroot --x /srv",
    "flock -w 5 -E 1 --timeout 5 -n /lock",
    "strace -e open -o /f -p 1 -f",
    "setpriv --reuid 1 --regid 1 --groups 1 --clear-groups",
    "chpst -u a -U b -e /x -n 5 -v",
    "su-exec app",
    "gosu app",
    "setuidgid app",
    *(
        f"{each} -x"
        for each in (
            "exec", "nohup", "setsid", "busybox", "toybox", "tini", "dumb-init", "catatonit", "command", "builtin",
            "time", "unbuffer", "entrypoint.sh", "docker-entrypoint.sh", "start",
        )
    ),
]  # fmt: skip


class TestWrappers:
    @pytest.mark.parametrize("line", WRAPPED, ids=lambda line: line.split()[0])
    def test_what_stands_behind_one_is_run(self, line: str) -> None:
        before = words(line)
        found = argv.unwrap([*before, Word("app"), Word("-u"), Word("x")])
        assert found.program == "app"
        assert found.start == len(before)
        assert [word.text for word in found.words] == ["app", "-u", "x"]
        assert found.wrappers == ((before[0].text, before),)

    def test_several(self) -> None:
        found = argv.unwrap(words("A=b env -i C=d /usr/bin/nohup gosu app E=f app x=y"))
        assert (found.program, found.start) == ("app", 8)
        assert [(name, [word.text for word in each]) for name, each in found.wrappers] == [
            ("env", ["env", "-i", "C=d"]),
            ("nohup", ["/usr/bin/nohup"]),
            ("gosu", ["gosu", "app", "E=f"][:2]),
        ]

    @pytest.mark.parametrize("line", ["", "A=b", "env", "env -u", "timeout 5", "chroot", "env --", "A=b C=d"])
    def test_of_nothing_there_is_no_program(self, line: str) -> None:
        found = argv.unwrap(words(line))
        assert (found.program, list(found.words)) == ("", [])

    def test_a_script_may_begin_with_other_words_than_assignments(self) -> None:
        assert argv.unwrap(words("2A=b x")).program == "2a=b"
        assert argv.unwrap(words("a-b=c x")).program == "a-b=c"

    def test_there_is_an_end_to_them(self) -> None:
        assert argv.unwrap(words("nohup " * 19 + "app")).program == "app"
        assert argv.unwrap(words("nohup " * 20 + "app")).program == "app"
        assert argv.unwrap(words("nohup " * 21 + "app")).program == "nohup"

    def test_a_variable_s_name_has_a_hundred_characters(self) -> None:
        assert argv.unwrap(words(f"{'a' * 100}=b app")).program == "app"
        assert argv.unwrap(words(f"{'a' * 101}=b app")).program == f"{'a' * 101}=b"


class TestWhatIsGiven:
    @pytest.mark.parametrize(
        ("line", "given"),
        [
            # a shell
            ("sh", Given()),
            ("sh -c x", Given(code=2)),
            ("sh -ec x", Given(code=2)),
            ("sh -c -e x", Given(code=3)),
            ("sh -e -c x y", Given(code=3)),
            ("sh -c -- x", Given(code=3)),
            ("sh -c", Given(code=1)),
            ("sh -x1c x", Given(file=2)),
            ("sh --login x", Given(file=2)),
            ("sh --command x", Given(code=2)),
            ("fish --command x", Given(code=2)),
            ("sh '-c' x", Given(code=2)),
            ('sh "-c" x', Given(code=2)),
            ("sh x.sh", Given(file=1)),
            ("sh -x x.sh -c y", Given(file=2)),
            ("sh -s x", Given()),
            ("sh -es -- x", Given()),
            ("sh --posix x", Given(file=2)),
            ("sh -", Given()),
            ("sh - x", Given(file=2)),
            ("sh /dev/stdin", Given()),
            ("sh -- x", Given(file=2)),
            ("sh --", Given()),
            ("sh +x x", Given(file=2)),
            ("sh + x", Given(file=1)),
            ("sh -o pipefail -c x", Given(code=4)),
            ("sh -eo pipefail x", Given(file=3)),
            ("sh +o posix x", Given(file=3)),
            ("bash --rcfile x y", Given(file=3)),
            ("bash --init-file x y", Given(file=3)),
            ("bash --rcfile x", Given()),
            # interpreters
            ("python", Given()),
            ("python -c x", Given(code=2)),
            ("python -uc x", Given(code=2)),
            ("python -cprint(1)", Given(code=1)),
            ("python -mx", Given(file=1)),
            ("python -m x", Given(file=1)),
            ("python x.py", Given(file=1)),
            ("python -", Given()),
            ("python -u", Given()),
            ("perl -e x", Given(code=2)),
            ("perl -E x", Given(code=2)),
            ("ruby -e x", Given(code=2)),
            ("php -r x", Given(code=2)),
            ("node -e x", Given(code=2)),
            ("node -p x", Given(code=2)),
            ("nodejs -e x", Given(code=2)),
            ("nodejs -p x", Given(code=2)),
            ("node --eval x", Given(code=2)),
            ("php --run x", Given(code=2)),
            ("lua -e x", Given(code=2)),
            ("pwsh -c x", Given(code=2)),
            ("powershell -c x", Given(code=2)),
            ("powershell -Command x", Given(code=2)),
            ("powershell -EncodedCommand x", Given(code=2)),
            ("powershell -enc x", Given(code=2)),
            ("powershell -ec x", Given(code=2)),
            ("powershell -e x", Given(file=2)),
            ("perl -o x", Given(file=2)),
            ("perl -s x", Given(file=2)),
            ("perl --rcfile x", Given()),
        ],
    )
    def test_a_program(self, line: str, given: Given) -> None:
        found = words(line)
        assert argv.given(found[0].text, found) == given

    def test_only_of_nothing_it_reads(self) -> None:
        assert (Given().reads, Given(code=1).reads, Given(file=1).reads) == (True, False, False)


class TestDownloads:
    @pytest.mark.parametrize("program", ["curl", "wget", "fetch", "aria2c", "lwp-download", "axel"])
    def test_programs_that_download(self, program: str) -> None:
        assert argv.downloads(program, words(f"{program} -s example.com"))
        assert not argv.downloads(program, words(f"{program} --version"))
        assert not argv.downloads(program, words(program))

    def test_others_do_not(self) -> None:
        assert not argv.downloads("git", words("git clone example.com"))

    @pytest.mark.parametrize(
        ("line", "to_output", "saved"),
        [
            ("curl http://x/a", True, "a"),
            ("curl -s http://x/a/b.sh?c=/d", True, "b.sh"),
            ("curl x", True, None),
            ("curl x/", True, None),
            ("curl -o - x", True, "-"),
            ("curl -o /dev/stdout x", True, "stdout"),
            ("curl -o /tmp/f x", False, "f"),
            ("curl -of x", False, "f"),
            ("curl -so f x", False, "f"),
            ("curl -o", False, None),
            ("curl --output f x", False, "f"),
            ("curl --output=/tmp/f x", False, "f"),
            ("curl --output= x", False, None),
            ("curl --output", False, None),
            ("curl -O http://x/a", False, "a"),
            ("curl -sO http://x/a", False, "a"),
            ("curl --remote-name http://x/a", False, "a"),
            ("curl --O http://x/a", True, "a"),
            ("wget http://x/a http://x/b", False, "b"),
            ("wget -O - x", True, "-"),
            ("wget -qO- x", True, "-"),
            ("wget -O /dev/stdout x", True, "stdout"),
            ("wget -O /tmp/f x", False, "f"),
            ("wget -o log http://x/a", False, "a"),
            ("wget --output-document=/tmp/f x", False, "f"),
            ("wget --output-document - x", True, "-"),
            ("fetch -o - x", True, "-"),
            ("fetch -o /tmp/f x", False, "f"),
            ("axel http://x/a", False, "a"),
            ("curl -=o http://x/a", True, "a"),
            ("curl -abcdefghijo f", False, "f"),
            ("curl -abcdefghijko http://x/a", True, "a"),
        ],
    )
    def test_where_to(self, line: str, *, to_output: bool, saved: str | None) -> None:
        found = words(line)
        assert argv.to_output(found[0].text, found) is to_output
        assert argv.saved(found[0].text, found) == saved


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Word(OUTPUT, ([],)), True),
        (Word(f" {OUTPUT}x", ([],)), True),
        (Word(f"x{OUTPUT}", ([],)), False),
        (Word(OUTPUT), False),
        (Word("x", ([],)), False),
    ],
)
def test_what_an_inner_command_writes(word: Word, *, expected: bool) -> None:
    assert argv.is_output(word) is expected
