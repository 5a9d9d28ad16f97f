"""A command line that says what is wrong in one line, and its help: examples, then options by what they are
for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any, NoReturn

from modelcar_tui.commands.guard import Told
from modelcar_tui.core.shown import shown
from modelcar_tui.core.text import clean

EPILOG = """exit status:
  0 GO and finished   1 NO-GO       2 usage or bad manifest   3 cluster or login
  4 QA failed         5 rejected    6 timed out               7 fault of ours
  8 UNKNOWN           9 output lost          10 a limit of the process
  129 130 131 143 SIGHUP SIGINT SIGQUIT SIGTERM   141 reader of stdout gone
"""
SHORT_EPILOG = "exit status: 0 done, 2 usage or what you have to mend; all: agent --help"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage would push it off a small screen.

    Nothing that was given is dropped: an option of one value is taken once, one that adds up as often as it
    is given, and none before a command, whose own defaults would overwrite it.
    """

    def __init__(
        self, *args: Any, description: str = "", examples: Sequence[str] = (), **options: Any
    ) -> None:
        """
        Args:
            description: what the command is for, in a line or two.
            examples: whole command lines, each with what it does behind a `#`.
        """
        self.examples = tuple(examples)
        shown = "\n".join(("", "", "examples:", *(f"  {one}" for one in examples))) if examples else ""
        form = argparse.RawDescriptionHelpFormatter
        more = {"formatter_class": form, "description": f"{description}{shown}", "allow_abbrev": False}
        super().__init__(*args, **{**more, **options})
        self.mixed = False
        """Whether arguments may stand behind options, too."""
        self._words: tuple[str, ...] = ()
        self._given: dict[str, argparse.Action] = {}
        """Of the command line that is being read: the options so far, by what they set."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self._refuse(rest)
        return found

    def _refuse(self, rest: Sequence[str]) -> NoReturn:
        """Of what nobody understood the first word, and where it is an option the nearest that there is."""
        commands = [one for one in self._actions if isinstance(one, argparse._SubParsersAction)]
        chosen = [one.choices[word] for one in commands for word in self._words if word in one.choices]
        parser: Parser = (*chosen, self)[0]
        word = next((one for one in rest if one.startswith("-")), rest[0]).partition("=")[0]
        if not word.startswith("-"):
            parser.error(f"{word!r} is one argument too many")
        from difflib import get_close_matches

        near = get_close_matches(word, parser._option_string_actions, 1, 0.75)
        parser.error(f"{word} is no option of {parser.prog}{f'; did you mean {near[0]}?' if near else ''}")

    def error(self, message: str) -> NoReturn:
        """One line, in which no secret of the command line is repeated."""
        from modelcar_tui.core.secrets import redact
        from modelcar_tui.manifest import masked_arguments

        # Teaches what it masks; a command line of vLLM is one word of ours.
        masked_arguments(tuple(part for word in self._words for part in (word, *word.split())))
        self.exit(2, f"{self.prog}: {redact(clean(self._seen(message)))}; see {self.prog} --help\n")

    def _seen(self, message: str) -> str:
        """The message with what it repeats of the command line as it may be shown.

        argparse quotes as Python does: a sign that nobody sees is written out, and a token behind it is not
        known by its shape any more.
        """
        for word in self._words:
            for part in (word, word.partition("=")[2]):
                if part and (told := shown(part)) != part:
                    message = message.replace(repr(part), f"'{told}'").replace(part, told)
        return message

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the command, told apart from an exit that something within it asks for."""
        if message:
            self._print_message(message, sys.stderr)
        raise Told(status)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._given = {}
        self._words = tuple(map(str, sys.argv[1:] if args is None else args))
        found, rest = super().parse_known_args(self._arguments_first(args) if self.mixed else args, namespace)
        of_command = getattr(found, "given", {}) if any(_commands_of(self)) else {}
        own = {dest: action.option_strings[0] for dest, action in self._given.items()}
        found.given = {**of_command, **own}
        found.words = self._words
        return found, rest

    def _arguments_first(self, args: Any) -> list[str]:
        """The words with the options behind the arguments, so that argparse takes these as one row."""
        words, arguments, options = iter(map(str, args or ())), list[str](), list[str]()
        for word in words:
            action = self._option_string_actions.get(word)
            (options if word.startswith("-") else arguments).append(word)
            if action is not None and action.nargs is None:
                options.extend(islice(words, 1))
        return [*arguments, *options]

    def _get_option_tuples(self, option_string: str) -> Any:
        """Asked for a word that is no option as it stands: one cut short is refused by its whole name.

        What a release of ours adds would make another thing of it, or nothing.
        """
        word = option_string.partition("=")[0]
        if not word.startswith("--"):
            return super()._get_option_tuples(option_string)
        commands = [one for one in self._actions if isinstance(one, argparse._SubParsersAction)]
        if not any(given in one.choices for one in commands for given in self._words):  # it says so itself
            whole = [option for option in self._option_string_actions if option.startswith(word)]
            if whole and len(word) > 2:
                self.error(f"{word}: options are not cut short; write {' or '.join(whole)}")
        return []

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Called once for each option and argument, however it is spelled."""
        values = super()._get_values(action, arg_strings)
        if isinstance(action, argparse._SubParsersAction):
            self._take_none_before(action, arg_strings[0])
        elif action.option_strings:
            if action.dest in self._given and not isinstance(action, argparse._AppendAction):
                self.error(f"{_spelled(self._given[action.dest], action)} is given twice; give it once")
            self._given[action.dest] = action
        return values

    def _take_none_before(self, commands: argparse._SubParsersAction[Parser], name: str) -> None:
        for option in self._given.values():
            known = commands.choices[name]._option_string_actions
            spelled = _spelled(option)
            if any(word in known for word in option.option_strings):
                self.error(f"{spelled} belongs after the command: {self.prog} {name} ... {spelled} ...")
            self.error(f"{spelled} is no option of {self.prog} {name}; leave it out")


def _commands_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]


def _spelled(*options: argparse.Action) -> str:
    """`--gpu`; of a switch that can be given in two ways both: `--mouse/--no-mouse`."""
    return "/".join(dict.fromkeys(word for option in options for word in option.option_strings))
