"""What a shell would run: a script taken apart into pipelines of commands, without running anything.

It reads what POSIX shells and bash read (quotes, `$'..'`, `$(..)`, backquotes, here-documents, groups, assignments),
forgives what they would refuse, and works within bounds: every character is looked at once, nesting ends at MAX_DEPTH,
and values of variables are written out only as long as MAX_EXPANSION lasts.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

MAX_DEPTH = 20
MAX_EXPANSION = 65_536
#: Stands in a word where the output of an inner command would stand.
OUTPUT = "\ufffc"


class Word(NamedTuple):
    """A word as the command gets it, and the scripts whose output is in it."""

    text: str
    inner: tuple["Script", ...] = ()
    plain: bool = True


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

_PLAIN = re.compile(r"[^\s'\"\\$`|&;<>(){}#]+")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_BLANKS = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\+?=")
_REDIRECT = re.compile(r"&>>?|<<<|<<-?|[<>]&|<>|>>|>\||[<>]")
#: `<YOUR_HOST>` is no redirection in anybody's mind.
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_-]{0,60}>")
_SPACES = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_CLOSE = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_SKIPPED = frozenset({"then", "do", "else", "elif", "!", "time", "function", "coproc"})
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset", "set"})


def unescape(text: str) -> str:
    r"""What `echo -e`, `printf` and `$'..'` make of `\x41`, `\101`, `\n` and the like."""

    def character(found: re.Match[str]) -> str:
        hexadecimal, octal, code, letter = found.groups()
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return _LETTERS.get(letter, letter) if letter else chr(int(hexadecimal or code, 16))

    return _ESCAPE.sub(character, text) if "\\" in text else text


def parse(text: str, variables: Mapping[str, str]) -> Script:
    """Take a script apart. `variables` is the environment in which it would run."""
    environment = {name: Word(value) for name, value in variables.items()}
    return _Parser(text, environment, MAX_EXPANSION).script()


class _Parser:
    def __init__(self, text: str, variables: dict[str, Word], left: int, depth: int = 0) -> None:
        self.text = text
        self.variables = variables
        self.left = left
        self.depth = depth
        self.position = 0
        self.pending: list[tuple[str, Command]] = []

    def script(self) -> Script:
        found: Script = []
        while self.position < len(self.text):
            found.extend(self._list(""))
        return found

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _list(self, close: str) -> Script:
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
            self._arithmetic()
        else:
            self.position += 1
            self._group(command, ")")

    def _group(self, command: Command, close: str) -> None:
        if self.depth < MAX_DEPTH:
            self.depth += 1
            command.body = [*(command.body or ()), *self._list(close)]
            self.depth -= 1

    def _arithmetic(self) -> None:
        end = self.text.find("))", self.position, self.position + 200)
        self.position = self.position + 2 if end < 0 else end + 2

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
            value = Word(self._spent(before.text + value.text), (*before.inner, *value.inner)[:MAX_DEPTH])
        self.variables[name] = value
        # Its inner commands run now; the word stays where something is in it to look at.
        return not word.inner

    def _spent(self, text: str) -> str:
        """As much of a text as may still be written out."""
        text = text[: self.left]
        self.left -= len(text)
        return text

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
        return _WordReader(self).read()


class _WordReader:
    """Puts one word together."""

    def __init__(self, parser: _Parser) -> None:
        self.parser = parser
        self.text = parser.text
        self.parts: list[str] = []
        self.inner: list[Script] = []
        self.plain = True
        self.done: list[Word] = []

    def read(self) -> list[Word]:
        parser = self.parser
        start = parser.position
        while parser.position < len(self.text):
            if run := _PLAIN.match(self.text, parser.position):
                self.parts.append(run[0])
                parser.position = run.end()
                continue
            if not self._special(self.text[parser.position]):
                break
        if parser.position == start:
            parser.position += 1
        self._finish()
        return self.done

    def _special(self, char: str) -> bool:
        """Read on at a character that means something; False where it ends the word."""
        parser = self.parser
        if char in "{}#":
            self.parts.append(char)
            parser.position += 1
        elif char == "'":
            self._single()
        elif char == '"':
            parser.position += 1
            self._double()
        elif char == "\\":
            self._backslash()
        elif char == "$":
            self._dollar(quoted=False)
        elif char == "`":
            self._backquote()
        elif char in "<>" and not self.parts and self.text.startswith("(", parser.position + 1):
            parser.position += 2
            self._inner()
        else:
            return False
        return True

    def _finish(self) -> None:
        text = "".join(self.parts)
        if self.parts or self.inner or not self.plain:
            if self.plain and text[:1] == "{" and text[-1:] == "}" and "," in text:
                self.done.extend(Word(part) for part in text[1:-1].split(","))
            else:
                self.done.append(Word(text, tuple(self.inner), self.plain))
        self.parts, self.inner, self.plain = [], [], True

    def _single(self) -> None:
        start = self.parser.position + 1
        end = self.text.find("'", start)
        end = len(self.text) if end < 0 else end
        self.parts.append(self.text[start:end])
        self.parser.position = end + 1
        self.plain = False

    def _backslash(self) -> None:
        following = self.text[self.parser.position + 1 : self.parser.position + 2]
        if following != "\n":
            self.parts.append(following)
            self.plain = False
        self.parser.position += 2

    def _double(self) -> None:
        """Up to the closing quote: substitutions are read, spaces do not separate."""
        parser = self.parser
        self.plain = False
        while parser.position < len(self.text):
            if run := _IN_QUOTES.match(self.text, parser.position):
                self.parts.append(run[0])
                parser.position = run.end()
                continue
            char = self.text[parser.position]
            if char == '"':
                parser.position += 1
                return
            if char == "$":
                self._dollar(quoted=True)
            elif char == "`":
                self._backquote()
            else:
                following = self.text[parser.position + 1 : parser.position + 2]
                if following != "\n":
                    self.parts.append(following if following in '"\\$`' else char + following)
                parser.position += 2

    def _dollar(self, *, quoted: bool) -> None:
        parser = self.parser
        parser.position += 1
        following = self.text[parser.position : parser.position + 1]
        if following == "'" and not quoted:
            self._ansi()
        elif following == "(":
            if self.text.startswith("((", parser.position):
                parser._arithmetic()  # noqa: SLF001 - one machine in two classes
                self.parts.append("0")
            else:
                parser.position += 1
                self._inner()
        elif following == "{":
            self._braces(quoted=quoted)
        elif name := _NAME.match(self.text, parser.position):
            parser.position = name.end()
            self._expand(name[0], f"${name[0]}", quoted=quoted)
        elif following and following in "@*":
            parser.position += 1
        elif following != '"' or quoted:
            self.parts.append("$")

    def _ansi(self) -> None:
        """`$'..'`, in which a backslash hides a quote."""
        parser = self.parser
        start = parser.position + 1
        end = start
        while (end := self.text.find("'", end)) > 0 and self.text[end - 1] == "\\" and self.text[end - 2] != "\\":
            end += 1
        end = len(self.text) if end < 0 else end
        self.parts.append(unescape(self.text[start:end]))
        parser.position = end + 1
        self.plain = False

    def _braces(self, *, quoted: bool) -> None:
        parser = self.parser
        start = parser.position + 1
        name = _NAME.match(self.text, start)
        end = self.text.find("}", start, start + 500)
        if end < 0:
            self.parts.append("$")
            return
        parser.position = end + 1
        whole = self.text[start:end]
        if name is None:
            if whole not in ("@", "*"):
                self.parts.append("${" + whole + "}")
            return
        rest = whole[len(name[0]) :]
        default = rest[2:] if rest[:2] in (":-", ":=") else rest[1:] if rest[:1] in ("-", "=") else "${" + whole + "}"
        if rest and rest[0] not in ":-=":
            self.parts.append(default)
        else:
            self._expand(name[0], default, quoted=quoted)

    def _expand(self, name: str, unset: str, *, quoted: bool) -> None:
        """The value of a variable, or what stands for it where nobody set it."""
        if name == "IFS" and not quoted:
            self._finish()
            return
        value = self.parser.variables.get(name)
        if value is None:
            self.parts.append(unset)
            return
        self.inner.extend(value.inner[: MAX_DEPTH - len(self.inner)])
        text = self.parser._spent(value.text)  # noqa: SLF001 - one machine in two classes
        if quoted or not (pieces := _SPACES.split(text))[1:]:
            self.parts.append(text)
            return
        for piece in pieces[:-1]:
            if piece:
                self.parts.append(piece)
            self._finish()
        if pieces[-1]:
            self.parts.append(pieces[-1])

    def _inner(self) -> None:
        parser = self.parser
        self.parts.append(OUTPUT)
        if parser.depth < MAX_DEPTH:
            parser.depth += 1
            self.inner.append(parser._list(")"))  # noqa: SLF001 - one machine in two classes
            parser.depth -= 1

    def _backquote(self) -> None:
        parser = self.parser
        start = parser.position + 1
        end = start
        while (end := self.text.find("`", end)) > 0 and self.text[end - 1] == "\\":
            end += 1
        end = len(self.text) if end < 0 else end
        parser.position = end + 1
        self.parts.append(OUTPUT)
        if parser.depth < MAX_DEPTH:
            inside = self.text[start:end].replace("\\`", "`")
            below = _Parser(inside, parser.variables, parser.left, parser.depth + 1)
            self.inner.append(below.script())
            parser.left = below.left
