"""A shell script as simple commands, each word with its place; nothing is run and nothing is looked up.

What POSIX and bash write in the scripts that start a server: quotes, continuation lines, comments, variables,
lists, redirections, here-documents, arrays. A substitution (`$(...)`, backticks) is a piece that nobody
knows. The scan takes linear time whatever the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT, VARIABLE, OPAQUE = "text", "variable", "opaque"
_PLAIN = re.compile(r"[^ \t\r\n\\'\"$`#;&|()<>]+")
_GOES_ON = re.compile(r"\\\r?\n")
_IN_DOUBLE = re.compile(r'[^\\"$`]+')
_NAME = re.compile(r"[A-Za-z_]\w*|[@*#?!0-9-]")
_BRACED = re.compile(r"\{([A-Za-z_]\w*(?:\[[@*]\])?|[@*0-9])(?:(:?[-=])([^{}'\"$`\\]*))?\}")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=\Z")
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|&>>?|<<<|<<-?|<>|>>|>\||[<>]&|[;&|()<>]")
_REDIRECTIONS = frozenset({"<", ">", ">>", ">|", "<>", ">&", "<&", "&>", "&>>", "<<<", "<<", "<<-"})


class ShellSyntaxError(Exception):
    """The text is no script: `what` says why, `index` is the offset in the text at which that begins."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.index = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word: text, a variable, or a substitution that only a shell could make."""

    kind: str
    text: str
    """The text without its quotes; of the others as they are written."""
    start: int
    end: int
    quoted: bool = False
    name: str = ""
    """Of the variable; `@` for all arguments of the script, `X[@]` for an array."""
    default: str | None = None
    """What `${X:-default}` gives instead of nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and where it stands in the text, quotes included."""

    start: int
    end: int
    pieces: tuple[Piece, ...]
    items: tuple[Word, ...] | None = None
    """Of an array: `NAME=(a b)`; the pieces are the name and its `=`."""

    @property
    def text(self) -> str:
        """As the shell reads it where it holds no variable; else with these as they are written."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def bare(self) -> bool:
        """Whether it is written without quotes and variables, as the shell's own words are."""
        return all(piece.kind == TEXT and not piece.quoted for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or an operator of the shell; `\\n` ends a command as `;` does."""

    start: int
    word: Word | None = None
    operator: str = ""


def tokens(text: str) -> list[Token]:
    """The words and operators of a script; redirections and their targets are left out.

    Raises:
        ShellSyntaxError: a quote, bracket or here-document that doesn't end.
    """
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: list[Token] = []
        self._documents: list[tuple[str, bool]] = []
        """Here-documents whose text begins behind this line: the word that ends it, and whether tabs go."""

    def run(self) -> list[Token]:
        while self._at < len(self._text):
            start = self._at
            try:
                self._step()
            except ShellSyntaxError as fault:
                fault.index = start
                raise
        if self._documents:
            raise ShellSyntaxError("a here-document does not end")
        return self._found

    def _step(self) -> None:
        text, at = self._text, self._at
        if self._blank():
            return
        if text[at] == "#":
            self._at = _or_end(text.find("\n", at), text)
        elif text[at] == "\n":
            self._found.append(Token(at, operator="\n"))
            self._at += 1
            self._skip_documents()
        elif match := _OPERATOR.match(text, at):
            self._operator(match[0])
        else:
            word = self._word()
            if word.text.isdigit() and word.bare and text[self._at : self._at + 1] in ("<", ">"):
                return  # the number of what is redirected: `2>&1`
            self._found.append(Token(word.start, word))

    def _blank(self) -> bool:
        """Whether there was blank space, or a line that goes on."""
        start = self._at
        while self._at < len(self._text):
            if self._text[self._at] in " \t\r":
                self._at += 1
            elif match := _GOES_ON.match(self._text, self._at):
                self._at = match.end()
            else:
                break
        return self._at > start

    def _operator(self, operator: str) -> None:
        at = self._at
        self._at += len(operator)
        if operator in ("<", ">") and self._text[self._at : self._at + 1] == "(":
            self._at = self._closed(self._at + 1, ")")
            self._found.append(Token(at, self._whole(at)))
        elif operator in _REDIRECTIONS:
            self._blank()
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                word = self._word()
                if operator in ("<<", "<<-"):
                    self._documents.append((word.text, operator == "<<-"))
        else:
            self._found.append(Token(at, operator=operator))

    def _whole(self, start: int) -> Word:
        piece = Piece(OPAQUE, self._text[start : self._at], start, self._at)
        return Word(start, self._at, (piece,))

    def _skip_documents(self) -> None:
        for ends, tabs in self._documents:
            while True:
                if self._at >= len(self._text):
                    raise ShellSyntaxError(f"the here-document that {ends[:40]} ends does not end")
                end = _or_end(self._text.find("\n", self._at), self._text)
                line = self._text[self._at : end].rstrip("\r")
                self._at = end + 1
                if (line.lstrip("\t") if tabs else line) == ends:
                    break
        self._documents = []

    def _word(self) -> Word:
        start, pieces = self._at, list[Piece]()
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if _GOES_ON.match(text, self._at):
                self._at = text.index("\n", self._at) + 1
            elif char == "(" and len(pieces) == 1 and _ARRAY.match(pieces[0].text) and not pieces[0].quoted:
                return self._array(start, pieces[0])
            elif char in " \t\r\n;&|()<>":
                break
            else:
                self._piece(pieces)
        if self._at == start:
            self._at += 1  # a character that nothing takes must not hold the scan up
        return Word(start, self._at, tuple(pieces))

    def _array(self, start: int, name: Piece) -> Word:
        self._at += 1
        inner, found = self._found, list[Token]()
        self._found = found
        while self._at < len(self._text) and self._text[self._at] != ")":
            self._step()
        self._found = inner
        if self._at >= len(self._text):
            raise ShellSyntaxError("a bracket does not end")
        self._at += 1
        items = tuple(token.word for token in found if token.word is not None)
        return Word(start, self._at, (name,), items)

    def _piece(self, pieces: list[Piece]) -> None:
        text, at = self._text, self._at
        char = text[at]
        if char == "'":
            self._at = self._behind(text.find("'", at + 1), "'")
            pieces.append(Piece(TEXT, text[at + 1 : self._at - 1], at + 1, self._at - 1, quoted=True))
        elif char == '"':
            self._double(pieces)
        elif char in "$`":
            pieces.append(self._dollar(quoted=False))
        elif char == "\\":
            self._at = min(at + 2, len(text))
            escaped = text[at + 1 : self._at] or char
            pieces.append(Piece(TEXT, escaped, at, self._at, quoted=True))
        else:
            match = _PLAIN.match(text, at)
            self._at = match.end() if match else at + 1
            pieces.append(Piece(TEXT, text[at : self._at], at, self._at))

    def _behind(self, index: int, quote: str) -> int:
        if index < 0:
            raise ShellSyntaxError(f"a quote ({quote}) does not end")
        return index + 1

    def _double(self, pieces: list[Piece]) -> None:
        text, opened = self._text, self._at
        self._at += 1
        before = len(pieces)
        while True:
            if self._at >= len(text):
                raise ShellSyntaxError('a quote (") does not end')
            at, char = self._at, text[self._at]
            if char == '"':
                self._at += 1
                break
            if char in "$`":
                pieces.append(self._dollar(quoted=True))
            elif char == "\\":
                following = text[at + 1 : at + 2]
                shown = "" if following == "\n" else following if following in '$`"\\' else char + following
                self._at = at + 2
                pieces.append(Piece(TEXT, shown, at, self._at, quoted=True))
            else:
                match = _IN_DOUBLE.match(text, at)
                self._at = match.end() if match else at + 1
                pieces.append(Piece(TEXT, text[at : self._at], at, self._at, quoted=True))
        if len(pieces) == before:
            pieces.append(Piece(TEXT, "", opened, self._at, quoted=True))

    def _dollar(self, *, quoted: bool) -> Piece:
        """A variable or a substitution; a dollar sign before anything else is one."""
        text, at = self._text, self._at
        if text[at] == "`":
            return self._opaque(self._behind(_unescaped(text, at + 1, "`"), "`"), quoted)
        following = text[at + 1 : at + 2]
        if following == "(":
            return self._opaque(self._closed(at + 2, ")"), quoted)
        if following == "'" and not quoted:
            return self._opaque(self._behind(_unescaped(text, at + 2, "'"), "'"), quoted)
        if following == "$" or _GOES_ON.match(text, at + 1):
            return self._opaque(at + 2, quoted)
        if following == "[" or (following == '"' and not quoted):
            return self._opaque(at + 1, quoted)  # bash's old arithmetic, and a text to translate
        if following == "{":
            match = _BRACED.match(text, at + 1)
            if match is None:
                return self._opaque(self._closed(at + 2, "}"), quoted)
            self._at = match.end()
            return self._variable(at, match[1], quoted, match[3] if match[2] else None)
        match = _NAME.match(text, at + 1)
        if match is None:
            self._at = at + 1
            return Piece(TEXT, "$", at, self._at, quoted)
        self._at = match.end()
        return self._variable(at, match[0], quoted, None)

    def _variable(self, start: int, name: str, quoted: bool, default: str | None) -> Piece:
        return Piece(VARIABLE, self._text[start : self._at], start, self._at, quoted, name, default)

    def _opaque(self, end: int, quoted: bool) -> Piece:
        start, self._at = self._at, end
        return Piece(OPAQUE, self._text[start:end], start, end, quoted)

    def _closed(self, at: int, closing: str) -> int:
        """Behind the bracket that closes one; brackets in quotes don't count."""
        text, depth = self._text, 1
        opening = {")": "(", "}": "{"}[closing]
        while at < len(text):
            char = text[at]
            if char in "'\"`":
                at = self._behind(_unescaped(text, at + 1, char, raw=char == "'"), char) - 1
            elif char == "\\":
                at += 1
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if not depth:
                    return at + 1
            at += 1
        raise ShellSyntaxError(f"a bracket ({opening}) does not end")


def _unescaped(text: str, at: int, char: str, *, raw: bool = False) -> int:
    """The next such character that no backslash stands before; -1 where there is none."""
    while (found := text.find(char, at)) >= 0:
        slashes = found
        while not raw and slashes > at and text[slashes - 1] == "\\":
            slashes -= 1
        if (found - slashes) % 2 == 0:
            return found
        at = found + 1
    return -1


def _or_end(index: int, text: str) -> int:
    return len(text) if index < 0 else index


_OPENERS = frozenset({"if", "while", "until", "for", "case", "select", "function", "{", "[["})
_CLOSERS = frozenset({"fi", "done", "esac", "}", "]]"})
_BETWEEN = frozenset({"then", "else", "elif", "do", "!", "time"})


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, and what decides whether it runs."""

    words: tuple[Word, ...]
    inside: str
    """The innermost of `if`, `while`, `(`, ... that it stands in; empty at the top."""
    chain: int
    """Commands that `&&`, `||` and pipes join have one number."""
    joined: str = ""
    """The operator before it: empty, `&&`, `||` or `|`."""


def commands(text: str) -> list[Command]:
    """The simple commands of a script in its order.

    Raises:
        ShellSyntaxError: see `tokens`.
    """
    found: list[Command] = []
    inside: list[str] = []
    words: list[Word] = []
    chain, joined = 0, ""
    for token in [*tokens(text), Token(len(text), operator="\n")]:
        if token.word is not None:
            if words or not _reserved(token.word, inside):
                words.append(token.word)
            continue
        if words:
            found.append(Command(tuple(words), inside[-1] if inside else "", chain, joined))
        continues = token.operator in ("&&", "||", "|", "|&") or (token.operator == "\n" and not words)
        if token.operator == "(":
            inside.append("function" if words else "(")
        elif token.operator == ")":
            _leave(inside, "(", "function")
        words = []
        if not continues:
            chain, joined = chain + 1, ""
        elif token.operator != "\n":
            joined = token.operator.removesuffix("&") if token.operator == "|&" else token.operator
    return found


def _reserved(word: Word, inside: list[str]) -> bool:
    """Whether a command's first word is the shell's own; then what it opens or closes is noted."""
    text = word.text
    if not word.bare:
        return False
    if text in _OPENERS and text != "[[":
        inside.append(text)
        return text not in ("for", "case", "select", "function")
    if text in _CLOSERS and text != "]]":
        _leave(inside, "if", "while", "until", "for", "case", "select", "{", "function")
        return True
    return text in _BETWEEN


def _leave(inside: list[str], *kinds: str) -> None:
    if inside and inside[-1] in kinds:
        inside.pop()
