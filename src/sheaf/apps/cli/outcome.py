"""From arguments to an exit code: every error becomes one line, or one JSON object, on stderr."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import typer

from sheaf.apps import runs
from sheaf.apps.cli.application import app
from sheaf.apps.cli.discretion import discreet
from sheaf.apps.cli.tables import printable
from sheaf.protocol.errors import Interrupted, SheafError, VerificationFailed

INTERNAL = 1
BROKEN_PIPE = 141
"""What a shell reports of a program that wrote to a reader that had gone."""


def execute(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    as_json = _wants_json(arguments)
    debug = "--debug" in arguments or bool(os.environ.get("SHEAF_DEBUG"))
    try:
        code = app(args=list(arguments), prog_name="sheaf", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # which Typer makes an exit of
            return _unread()
        raise
    except (KeyboardInterrupt, typer.Abort):
        return _report(Interrupted("interrupted"), arguments, as_json)
    except typer.TyperException as error:
        return _usage(error, arguments, as_json)
    except SheafError as error:
        if debug:
            traceback.print_exc()
        return _report(error, arguments, as_json)
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, and a log
        if debug:
            traceback.print_exc()
        return _internal(error, arguments, as_json)
    if code == Interrupted.exit_code:  # Typer makes Ctrl-C a code, and says nothing
        return _report(Interrupted("interrupted"), arguments, as_json)
    return code if isinstance(code, int) else 0


def _unread() -> int:
    # Python flushes stdout once more on its way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors are to be JSON, also those of the arguments themselves."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _usage(error: typer.TyperException, arguments: Sequence[str], as_json: bool) -> int:
    command = next((a for a in arguments if a in _commands()), "")
    message = " ".join(discreet(error.format_message(), arguments).split())
    hint = f"see `sheaf {command + ' ' if command else ''}--help`"
    _say("usage", message, hint, as_json)
    return error.exit_code


def _commands() -> set[str]:
    commands, groups = app.registered_commands, app.registered_groups
    named = {c.name or (c.callback.__name__ if c.callback else "") for c in commands}
    return named | {group.name or "" for group in groups}


def _report(error: SheafError, arguments: Sequence[str], as_json: bool) -> int:
    others = error.others if isinstance(error, VerificationFailed) else ()
    message, hint, *more = (
        discreet(text, arguments) for text in (error.message, error.hint, *others)
    )
    _say(error.code, message, hint, as_json, more)
    return error.exit_code


def _internal(error: Exception, arguments: Sequence[str], as_json: bool) -> int:
    message = discreet(f"internal error: {type(error).__name__}: {error}", arguments)
    log = _logged(error)
    hint = f"the traceback is in {log}" if log else "SHEAF_DEBUG=1 shows the traceback"
    _say("internal", " ".join(message.split()), f"{hint}; please report it", as_json)
    return INTERNAL


def _logged(error: Exception) -> Path | None:
    """Append the traceback to the log beside the runs; None where that cannot be written."""
    try:
        log = runs.home(Path.cwd()) / "errors.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n")
            file.write("".join(traceback.format_exception(error)) + "\n")
    except OSError:
        return None
    return log


def _say(code: str, message: str, hint: str, as_json: bool, others: Sequence[str] = ()) -> None:
    if as_json:
        plain = {"code": code, "message": message, "hint": hint}
        print(json.dumps(plain | ({"others": others} if others else {})), file=sys.stderr)
        return
    # A message may quote names out of a run, which are others' words.
    whole = f"{message} ({hint})" if hint else message
    for line in (whole, *(f"  {each}" for each in others)):
        print(printable(" ".join(line.splitlines())), file=sys.stderr)
