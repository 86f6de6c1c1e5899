"""How a shell puts a word together: quotes, escapes, variables, and the output of inner commands."""

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from policies.shell import Script

MAX_DEPTH = 20
#: Stands in a word where the output of an inner command would stand.
OUTPUT = "\ufffc"
_PLAIN = re.compile(r"[^\s'\"\\$`|&;<>(){}#]+")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_SPACES = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class Word(NamedTuple):
    """A word as the command gets it, and the scripts whose output is in it."""

    text: str
    inner: tuple["Script", ...] = ()
    plain: bool = True


def unescape(text: str) -> str:
    r"""What `echo -e`, `printf` and `$'..'` make of `\x41`, `\101`, `\n` and the like."""

    def character(found: re.Match[str]) -> str:
        hexadecimal, octal, code, letter = found.groups()
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return _LETTERS.get(letter, letter) if letter else chr(int(hexadecimal or code, 16))

    return _ESCAPE.sub(character, text) if "\\" in text else text


class Text(ABC):
    """A script that is being read: where, with which variables, and how much may still be written out."""

    def __init__(self, text: str, variables: dict[str, Word], left: int, depth: int = 0) -> None:
        self.text = text
        self.variables = variables
        self.left = left
        self.depth = depth
        self.position = 0

    @abstractmethod
    def pipelines(self, close: str) -> "Script":
        """What stands up to this closing word."""

    @abstractmethod
    def below(self, text: str) -> "Script":
        """What another text, which stands inside this one, says."""

    def spent(self, text: str) -> str:
        """As much of a value as may still be written out."""
        text = text[: self.left]
        self.left -= len(text)
        return text

    def arithmetic(self) -> None:
        """Go past `((..))`."""
        end = self.text.find("))", self.position, self.position + 200)
        self.position = self.position + 2 if end < 0 else end + 2


class WordReader:
    """Puts one word together."""

    def __init__(self, parser: Text) -> None:
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
                parser.arithmetic()
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
        text = self.parser.spent(value.text)
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
            self.inner.append(parser.pipelines(")"))
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
            self.inner.append(parser.below(inside))
