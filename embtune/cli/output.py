"""How commands speak: data on stdout, people's text on stderr, and what a failure turns into."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable

from embtune.cli.fault_note import leave_note
from embtune.errors import EmbtuneError, LostProcess, Problem, Stopped, ran_out_of_memory

INTERRUPTED = 130
CLOSED_PIPE = 141  # as a program that SIGPIPE ended
FAILED = 1
_INTERNAL = "internal"  # a fault of embtune's own, or of the machine's


def say(text: str, *, quiet: bool = False) -> None:
    """A line for people, on stderr."""
    if not quiet and sys.stderr is not None:
        print(text, file=sys.stderr)


def print_data(text: str) -> None:
    """A line of data, on stdout."""
    print(text)


def print_json(document: object, *, one_line: bool = False) -> None:
    """One JSON document on stdout; `one_line` for JSON Lines. Escaped where stdout is not Unicode."""
    unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    print(json.dumps(document, ensure_ascii=not unicode, indent=None if one_line else 2))


def run(command: Callable[[], object], *, show_traceback: bool = False) -> int:
    """Do a command and give the process's exit code; every failure becomes a message on stderr.

    A `SystemExit` keeps its code. A reader that closed the pipe ends the command without a word.
    """
    try:
        code = _outcome(command)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _closed_pipe()
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:
        return _failure(error, show_traceback)


def _outcome(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as done:
        if isinstance(done.__context__, BrokenPipeError):  # typer makes a closed pipe a plain failure
            raise BrokenPipeError from None
        return done.code if isinstance(done.code, int) else FAILED if done.code else 0
    return 0


def _closed_pipe() -> int:
    """Point stdout at nothing, else the interpreter complains when it flushes on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CLOSED_PIPE


def _failure(error: Exception, show_traceback: bool) -> int:
    if show_traceback:
        say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, EmbtuneError):
        say(str(error))
        if isinstance(error, LostProcess):
            leave_note(error.problems[0].message, os.environ)
        return 128 + error.signum if isinstance(error, Stopped) else error.exit_code
    fault = _no_memory(error) or _internal(error)
    if not show_traceback:
        say(fault.render())
    if fault.code == _INTERNAL:
        leave_note(fault.message, os.environ)
    return FAILED


def _no_memory(error: Exception) -> Problem | None:
    """Memory that the machine or a GPU refuses."""
    if not ran_out_of_memory(error):
        return None
    said = f": {' '.join(str(error).split())}" if str(error) else ""
    hint = "Free memory, use a smaller model or lower train.batch_size. A run goes on from its last checkpoint."
    return Problem("out-of-memory", f"there is no memory left{said}", hint=hint)


def _internal(error: Exception) -> Problem:
    """An exception nobody foresaw, in one line: its kind, its text, and where it was raised; a plugin's as such."""
    from embtune.catalog.plugin_code import plugin_fault  # pydantic comes in here

    of_plugin = plugin_fault(error)
    if of_plugin is not None:
        return of_plugin
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split()) or "no message"
    hint = "this is a fault of embtune, not yours; --traceback shows where it happened"
    return Problem(_INTERNAL, f"{type(error).__name__}: {text}{where}", hint=hint)
