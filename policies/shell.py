"""What a shell would run: a script taken apart into pipelines of commands, without running anything.

It reads what POSIX shells and bash read (quotes, `$'..'`, `$(..)`, backquotes, here-documents, groups, assignments),
forgives what they would refuse, and works within bounds: every character is looked at once, nesting ends at MAX_DEPTH,
and values of variables are written out only as long as MAX_EXPANSION lasts.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from policies.shell_word import MAX_DEPTH, Text, Word, WordReader

MAX_EXPANSION = 65_536


class Redirect(NamedTuple):
    """`operator` is written with its file descriptor, as in `2>&`."""

    operator: str
    target: Word


class Command(Struct):
    """A simple command, or a group of them; `here` is the text of its here-documents and here-strings."""

    words: list[Word]
    redirects: list[Redirect]
    here: str = ""
    body: "Script | None" = None


Pipeline = list[Command]
Script = list[Pipeline]

_BLANKS = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\+?=")
_REDIRECT = re.compile(r"&>>?|<<<|<<-?|[<>]&|<>|>>|>\||[<>]")
#: `<YOUR_HOST>` is no redirection in anybody's mind.
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_-]{0,60}>")
_CLOSE = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_SKIPPED = frozenset({"then", "do", "else", "elif", "!", "time", "function", "coproc"})
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset", "set"})


def parse(text: str, variables: Mapping[str, str]) -> Script:
    """Take a script apart. `variables` is the environment in which it would run."""
    environment = {name: Word(value) for name, value in variables.items()}
    return _Parser(text, environment, MAX_EXPANSION).script()


class _Parser(Text):
    def __init__(self, text: str, variables: dict[str, Word], left: int, depth: int = 0) -> None:
        super().__init__(text, variables, left, depth)
        self.pending: list[tuple[str, Command]] = []

    def script(self) -> Script:
        found: Script = []
        while self.position < len(self.text):
            found.extend(self.pipelines(""))
        return found

    def below(self, text: str) -> Script:
        """What another text, which stands inside this one, says."""
        inner = _Parser(text, self.variables, self.left, self.depth + 1)
        found = inner.script()
        self.left = inner.left
        return found

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def pipelines(self, close: str) -> Script:
        """Pipelines up to the word that closes the group, or to the end."""
        found: Script = []
        pipeline: Pipeline = []
        while self.position < len(self.text):
            command, closed = self._command(close)
            if command.words or command.redirects or command.body is not None:
                pipeline.append(command)
            char = self._peek()
            if closed or (char == ")" and close == ")"):
                self.position += char == ")" and not closed
                break
            self.position += 1
            if char == "\n":
                self._here_documents()
            if char == "|" and self._peek() != "|":
                self.position += self._peek() == "&"
            elif pipeline:
                found.append(pipeline)
                pipeline = []
        return [*found, pipeline] if pipeline else found

    def _command(self, close: str) -> tuple[Command, bool]:
        """One command up to what separates it from the next, and whether the group ends with it."""
        command = Command([], [])
        while True:
            if blanks := _BLANKS.match(self.text, self.position):
                self.position = blanks.end()
            char = self._peek()
            following = self.text[self.position + 1 : self.position + 2]
            if not char or char in "\n;|)" or (char == "&" and following != ">"):
                return command, False
            if char == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif char == "<" and (placeholder := _PLACEHOLDER.match(self.text, self.position)):
                command.words.append(Word(placeholder[0]))
                self.position = placeholder.end()
            elif char in "<>&" and following != "(":
                self._redirect(command, "")
            elif char == "(":
                self._parenthesis(command)
            elif self._words(command, close):
                return command, True

    def _parenthesis(self, command: Command) -> None:
        if self.text.startswith("()", self.position):
            # A function: what it does is read as if it were called here.
            self.position += 2
            command.words.clear()
        elif self.text.startswith("((", self.position):
            self.arithmetic()
        else:
            self.position += 1
            self._group(command, ")")

    def _group(self, command: Command, close: str) -> None:
        if self.depth < MAX_DEPTH:
            self.depth += 1
            command.body = [*(command.body or ()), *self.pipelines(close)]
            self.depth -= 1

    def _words(self, command: Command, close: str) -> bool:
        """Read a word of a command, which may be a keyword; say whether it closes the group."""
        words = self._word()
        first = words[0] if len(words) == 1 and words[0].plain and not command.words else None
        if first is not None:
            if first.text in _SKIPPED:
                return False
            if first.text in _CLOSING and command.body is None:
                return first.text == close
            if first.text in _CLOSE:
                self._compound(command, first)
                return False
            if first.text.isdigit() and self._peek() in ("<", ">"):
                self._redirect(command, first.text)
                return False
        elif len(words) == 1 and words[0].plain and words[0].text.isdigit() and self._peek() in ("<", ">"):
            self._redirect(command, words[0].text)
            return False
        if not command.words or command.words[0].text in _DECLARING:
            words = [word for word in words if not self._assigned(word)]
        command.words.extend(words)
        return False

    def _compound(self, command: Command, keyword: Word) -> None:
        if keyword.text in ("for", "select", "case"):
            command.words.append(keyword)
            while (char := self._peek()) and char not in "\n;|&<>()#":
                words = self._word()
                if words and words[0].text in ("do", "in") and keyword.text == "case":
                    break
                command.words.extend(words)
                if blanks := _BLANKS.match(self.text, self.position):
                    self.position = blanks.end()
        self._group(command, _CLOSE[keyword.text])

    def _assigned(self, word: Word) -> bool:
        match = _ASSIGNMENT.match(word.text)
        if match is None:
            return False
        value = Word(word.text[match.end() :], word.inner)
        name = word.text[: match.end() - 1].removesuffix("+")
        if match[0].endswith("+=") and name in self.variables:
            before = self.variables[name]
            value = Word(self.spent(before.text + value.text), (*before.inner, *value.inner)[:MAX_DEPTH])
        self.variables[name] = value
        # Its inner commands run now; the word stays where something is in it to look at.
        return not word.inner

    def _redirect(self, command: Command, descriptor: str) -> None:
        match = _REDIRECT.match(self.text, self.position)
        operator = match[0] if match else ""
        self.position += max(1, len(operator))
        if blanks := _BLANKS.match(self.text, self.position):
            self.position = blanks.end()
        if not self._peek() or self._peek() in "\n;|&)<>(":
            return
        target = self._word()
        if not target:
            return
        if operator in ("<<", "<<-"):
            self.pending.append((target[0].text, command))
        elif operator == "<<<":
            command.here += target[0].text + "\n"
        command.redirects.append(Redirect(descriptor + operator, target[0]))

    def _here_documents(self) -> None:
        """The texts of here-documents begin on the line after the command."""
        for delimiter, command in self.pending:
            lines = []
            while self.position < len(self.text):
                end = self.text.find("\n", self.position)
                line = self.text[self.position : end if end >= 0 else len(self.text)]
                self.position += len(line) + 1
                if line.strip() == delimiter:
                    break
                lines.append(line)
            command.here += "\n".join(lines) + "\n"
        self.pending.clear()

    def _word(self) -> list[Word]:
        """The word that begins here; several or none where a variable holds several or none."""
        return WordReader(self).read()
