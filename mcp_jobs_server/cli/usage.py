"""The errors of wrong usage: they name the nearest command, choice or option."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with code 2; an unknown command, choice or option names the most similar one."""
        if wrong := _WRONG_CHOICE.search(message):
            known = re.findall(r"[\w-]+", wrong[3])
            similar = difflib.get_close_matches(wrong[2], known, n=1, cutoff=0.5)
            if wrong[1] == "COMMAND":
                message = f"there is no command '{wrong[2]}'"
                message += "" if similar else f"; the commands are {', '.join(known)}"
            else:
                message = f"{wrong[1]}: '{wrong[2]}' is none of {', '.join(known)}"
        else:
            unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
            similar = difflib.get_close_matches(unknown[1], _options(self), n=1) if unknown else []
        guess = f"; did you mean {similar[0]}?" if similar else ""
        self.exit(2, f"error: {message}{guess}\nRun '{self.prog} --help' to see the usage.\n")


_WRONG_CHOICE = re.compile(r"argument (\S+): invalid choice: '(.*?)'.* \(choose from (.*)\)")


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Return all options of a parser and of its subcommands."""
    options: set[str] = set()
    for action in parser._actions:  # argparse has no public way to list them
        options.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                options |= _options(subparser)
    return options
