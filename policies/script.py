"""What a command line does, shells and scripts inside it included."""

from collections.abc import Iterable, Mapping, Sequence

from policies import argv, one_liner, pipe, shell
from policies.argv import INTERPRETERS, SHELLS, Wrapped
from policies.deed import Deed, in_text, is_host_root, single
from policies.shell import Command, Script
from policies.shell_word import MAX_DEPTH, OUTPUT, Word, unescape

_MAX_NESTED = 8
_MAX_STAGES = 100
#: Commands that are looked at in one command line.
_MAX_COMMANDS = 5_000
_SOCKET_FILES = ("/dev/tcp/", "/dev/udp/")
_IDLE = frozenset({"true", ":", "echo", "printf", "date", "wait", "trap", "[", "[[", "test", "exit", "pause", ""})
_WRITERS = frozenset({"tee", "cp", "mv", "ln", "install", "sed", "curl", "wget", "rsync"})


class Reader:
    """Reads one command line. `line` gives each deed with the number of the word in which it is seen.

    `variables` are the container's, `mounted` says where the root of the host is, `wait` whether it matters that the
    line waits. No more `characters` of scripts are read, those inside of others included.
    """

    def __init__(self, variables: Mapping[str, str], mounted: frozenset[str], characters: int, *, wait: bool) -> None:
        self.variables = variables
        self.mounted = mounted
        self.found: dict[tuple[Deed, int], str] = {}
        self.origin = 0
        self.nested = 0
        self.left = _MAX_COMMANDS
        self.characters = characters
        self.looked_at: set[int] = set()
        self.saved: set[str] = set()
        self.sockets: set[str] = set()
        self.wait = wait
        self.waits = False
        #: Of the loop or group that is read: how deep it lies, whether it sleeps, and whether it does anything else.
        self.in_group = 0
        self.sleeps = False
        self.idle = True

    def line(self, texts: Sequence[str], *, entrypoint: bool) -> Mapping[tuple[Deed, int], str]:
        """Judge a line. `entrypoint`: the program is that of the image, and only its arguments are given."""
        words = [Word(text) for text in texts]
        if entrypoint and words[0].text.startswith("-") and argv.given("sh", [Word("sh"), *words]).code is not None:
            # It is most likely a shell that gets `-c`.
            self._run(Wrapped([Word("sh"), *words], -1, ()), top=True)
        elif len(words) == 1 and " " in texts[0].strip():
            self._script(texts[0], ())
        else:
            self._command(Command(words, []), top=True)
        if self.wait and self.waits:
            self._add(Deed.SLEEP_FOREVER if self.idle else Deed.WAIT, "sleep")
        return self.found

    def _add(self, deed: Deed, words: str) -> None:
        self.found.setdefault((deed, self.origin), words)

    def _script(self, text: str, inner: Sequence[Script]) -> None:
        """A text that a shell runs; `inner` are the scripts whose output is in it."""
        self.characters -= len(text)
        if self.nested >= _MAX_NESTED or not text or self.characters < 0:
            return
        self.nested += 1
        if ":(){" in text.replace(" ", "")[:10_000]:
            self._add(Deed.EXHAUST, "a fork bomb")
        for pipeline in shell.parse(text, self.variables):
            self._pipeline(pipeline, inner)
        self.nested -= 1

    def _pipeline(self, pipeline: Sequence[Command], inner: Sequence[Script] = ()) -> None:
        for position, command in enumerate(pipeline[: self.left]):
            before = pipeline[max(0, position - _MAX_STAGES) : position]
            if position and (reader := pipe.reader_of(command)):
                self._runs_output(before, reader, from_pipe=True)
            if position and pipe.to_network(command):
                if any(pipe.reader_of(earlier) for earlier in before):
                    self._add(Deed.REVERSE_SHELL, "a shell | " + argv.unwrap(command.words).program)
                if any(argv.unwrap(each.words).program not in ("echo", "printf") for each in before):
                    self._add(Deed.SEND, argv.unwrap(command.words).program)
            self._command(command, inner)

    def _runs_output(self, producers: Iterable[Command], reader: str, *, from_pipe: bool = False) -> None:
        """A shell or interpreter runs what these commands write."""
        literal = ""
        for command in self._all(producers):
            found = argv.unwrap(command.words)
            program, words = found.program, found.words
            texts = [word.text for word in words[1:]]
            if argv.downloads(program, words) and argv.to_output(program, words):
                self._add(Deed.DOWNLOAD_AND_RUN, f"{program} | {reader}")
            elif pipe.decodes(program, texts):
                self._add(Deed.DECODE_AND_RUN, f"{program} | {reader}")
                literal = self._decoded(" ".join((*texts, literal, command.here)), reader)
            elif from_pipe and pipe.to_network(command):
                self._add(Deed.REVERSE_SHELL, f"{program} | {reader}")
            elif program in ("echo", "printf"):
                literal = " ".join(text for text in texts if text not in ("-e", "-n", "-ne", "-en"))
                if unescape(literal) != literal and "\\x" in literal:
                    self._add(Deed.DECODE_AND_RUN, f"{program} | {reader}")
                    literal = unescape(literal)
        if literal and reader in SHELLS:
            self._script(literal, ())
        elif literal:
            self._code(literal, reader)

    def _decoded(self, text: str, reader: str) -> str:
        """What inline base64 says is judged, too."""
        for decoded in one_liner.decoded_in(text):
            if reader in INTERPRETERS:
                self._code(decoded, reader)
            else:
                self._script(decoded, ())
        return ""

    def _all(self, commands: Iterable[Command]) -> Iterable[Command]:
        """Commands with those inside groups and substitutions, each once."""
        visited: set[int] = set()
        waiting = list(commands)[::-1]
        while waiting and self.left > 0:
            command = waiting.pop()
            self.left -= 1
            if id(command) in visited:
                continue
            visited.add(id(command))
            yield command
            below = [command.body] if command.body is not None else []
            for word in command.words:
                below.extend(word.inner)
            waiting.extend(each for script in below for pipeline in script for each in pipeline)

    def _command(self, command: Command, inner: Sequence[Script] = (), *, top: bool = False) -> None:
        self.left -= 1
        if self.left <= 0:
            return
        for word in (*command.words, *(redirect.target for redirect in command.redirects)):
            for script in word.inner:
                self._once(script)
        self._redirects(command)
        if command.body is not None:
            self._group(command.body)
        if command.words:
            first = command.words[0]
            producers = first.inner or (inner if first.text.startswith(OUTPUT) else ())
            if first.text.startswith(OUTPUT) and command.body is None:
                self._runs_output(pipe.flat(producers), "sh")
            self._run(argv.unwrap(command.words), command, top=top)

    def _group(self, body: Script) -> None:
        """A loop, or another group of commands. It waits if it only sleeps, whatever stands around it."""
        before = self.idle, self.sleeps
        self.idle, self.sleeps = True, False
        self.in_group += 1
        self._once(body)
        self.in_group -= 1
        self.waits = self.waits or (self.idle and self.sleeps)
        self.idle, self.sleeps = self.idle and before[0], self.sleeps or before[1]

    def _once(self, script: Script) -> None:
        if id(script) not in self.looked_at and self.nested < MAX_DEPTH:
            self.looked_at.add(id(script))
            self.nested += 1
            for pipeline in script:
                self._pipeline(pipeline)
            self.nested -= 1

    def _run(self, found: Wrapped, command: Command | None = None, *, top: bool = False) -> None:
        for name, words in found.wrappers:
            self._wrapper(name, words)
        if top:
            self.origin = max(found.start, 0)
        program, words = found.program, found.words
        if program in SHELLS:
            self._shell(found, command, top=top)
        elif program in ("eval", ".", "source"):
            self._evaluated(program, words)
        elif program == "cmd":
            self._script(" ".join(word.text for word in words[2:]), ())
        elif program in INTERPRETERS or (program in ("awk", "gawk") and "/inet/" in "".join(w.text for w in words)):
            self._interpreter(found, top=top)
        else:
            self._other(found, command, top=top)
        if self.saved and words:
            self._ran_saved(program, words)
        for deed in single(program, words):
            self._add(deed, program)
        if argv.downloads(program, words):
            self._saves(program, words, command)

    def _other(self, found: Wrapped, command: Command | None, *, top: bool) -> None:
        """Any other program. It may run the shell that stands among its arguments."""
        program, words = found.program, found.words
        self._text(" ".join([word.text for word in words] + ([command.here] if command else [])))
        for deed in pipe.written(words, words[-1:] if program in _WRITERS else (), self.mounted):
            self._add(deed, program)
        self._waiting(program, [word.text for word in words[1:]])
        for position in range(1, min(len(words) - 1, 100)):
            if words[position + 1].text.startswith("-") and argv.name_of(words[position]) in SHELLS:
                self._run(Wrapped(words[position:], found.start + position, ()), top=top)
                return

    def _wrapper(self, name: str, words: Sequence[Word]) -> None:
        """What one does that runs another program."""
        if name in ("sudo", "doas"):
            self._add(Deed.SUDO, name)
        if name == "chroot" and any(is_host_root(word.text, self.mounted) for word in words[1:]):
            self._add(Deed.ENTER_HOST, name)
        for deed in single(name, words):
            self._add(deed, name)

    def _text(self, text: str) -> None:
        for deed, part in in_text(text):
            self._add(deed, part)

    def _shell(self, found: Wrapped, command: Command | None, *, top: bool) -> None:
        program, words = found.program, found.words
        given = argv.given(program, words)
        if given.code is not None:
            word = words[given.code]
            if top:
                self.origin = found.start + given.code
            self._add(Deed.SHELL, program)
            if argv.is_output(word):
                self._runs_output(pipe.flat(word.inner), program)
            self._script(word.text, word.inner)
            return
        self._text(" ".join(word.text for word in words))
        self.idle = False
        if given.file is not None:
            if argv.is_output(words[given.file]):
                self._runs_output(pipe.flat(words[given.file].inner), program)
        elif command is not None and command.here:
            self._script(command.here, ())

    def _evaluated(self, program: str, words: Sequence[Word]) -> None:
        for word in words[1:2]:
            if argv.is_output(word):
                self._runs_output(pipe.flat(word.inner), program if program != "eval" else "sh")
        if program == "eval":
            inner = [script for word in words[1:] for script in word.inner]
            self._script(" ".join(word.text for word in words[1:]), inner)

    def _interpreter(self, found: Wrapped, *, top: bool) -> None:
        self.idle = False
        program, words = found.program, found.words
        given = argv.given(program, words)
        if given.code is not None:
            if top:
                self.origin = found.start + given.code
            if argv.is_output(words[given.code]):
                self._runs_output(pipe.flat(words[given.code].inner), program)
        if given.code is not None or program in ("powershell", "pwsh", "awk", "gawk"):
            self._code(" ".join(word.text for word in words[1:]), program)
        else:
            self._text(" ".join(word.text for word in words))
            if given.file is not None and argv.is_output(words[given.file]):
                self._runs_output(pipe.flat(words[given.file].inner), program)

    def _code(self, code: str, program: str) -> None:
        """A program in another language."""
        if self.nested >= _MAX_NESTED:
            return
        self.nested += 1
        self._text(code)
        judged = set(one_liner.judge(code))
        for deed in judged:
            self._add(deed, program)
        if Deed.DECODE_AND_RUN in judged:
            for decoded in one_liner.decoded_in(code):
                self._code(decoded, program)
        for text in one_liner.commands_in(code):
            self._script(text, ())
        self.nested -= 1

    def _redirects(self, command: Command) -> None:
        if not command.redirects:
            return
        targets = [redirect.target for redirect in command.redirects if ">" in redirect.operator]
        self._text(" ".join(target.text for target in targets))
        for deed in pipe.written(command.words, targets, self.mounted):
            self._add(deed, "a write")
        network = False
        for redirect in command.redirects:
            target = redirect.target.text
            if target.startswith(_SOCKET_FILES):
                network = True
                if argv.unwrap(command.words).program == "exec" or command.words[:1] == [Word("exec")]:
                    self.sockets.add(redirect.operator.rstrip("<>&") or "1")
            elif target in self.sockets and "&" in redirect.operator:
                network = True
        if network and pipe.runs_input(command):
            self._add(Deed.REVERSE_SHELL, "a shell on /dev/tcp")

    def _saves(self, program: str, words: Sequence[Word], command: Command | None) -> None:
        name = argv.saved(program, words) if not argv.to_output(program, words) else None
        for redirect in command.redirects if command else ():
            if redirect.operator in (">", ">>", "1>"):
                name = redirect.target.text.rpartition("/")[2]
        if name:
            self.saved.add(name)

    def _ran_saved(self, program: str, words: Sequence[Word]) -> None:
        path = words[0].text
        deed = Deed.RUN_DOWNLOADED
        if program in SHELLS or program in INTERPRETERS or program in ("source", "."):
            given = argv.given("sh", words).file
            path = words[given].text if given is not None else ""
            deed = Deed.DOWNLOAD_AND_RUN
        if path.rpartition("/")[2] in self.saved:
            self._add(deed, program)

    def _waiting(self, program: str, texts: Sequence[str]) -> None:
        if program == "sleep":
            self.sleeps = True
            self.waits = self.waits or (not self.in_group and any(map(pipe.is_long, texts)))
        elif program == "tail" and "/dev/null" in texts:
            self.waits = True
        elif program not in _IDLE:
            self.idle = False
