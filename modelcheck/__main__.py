"""`modelcheck` and `python -m modelcheck`."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from modelcheck.exit_codes import Exit
from modelcheck.quoting import escape_what_a_stream_cannot_say


def main() -> None:
    """The command line, ended by a sentence also where it has not begun: Ctrl-C while modules are
    loaded, a full disk under `--help`, a stdout or stderr that was closed."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (for as long as we run)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupted)
    escape_what_a_stream_cannot_say(sys.stdout, sys.stderr)
    try:
        try:
            command_line()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        end(Exit.INTERRUPTED)
    except BrokenPipeError:
        end(Exit.INTERRUPTED)  # the reader has gone: nothing is left to be said to him
    except OSError as error:
        print(f"error: {error.strerror or error}", file=sys.stderr)
        end(Exit.CONFIGURATION)


def interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM, which a CI sends whose time is spent, ends a command as Ctrl-C does."""
    raise KeyboardInterrupt


def command_line() -> None:
    """`--version` alone is answered before anything is imported for it."""
    if sys.argv[1:] == ["--version"]:
        from modelcheck import __version__

        print(f"modelcheck {__version__}")
        return
    from modelcheck.cli import app

    app(prog_name="modelcheck")


def end(code: int) -> None:
    """Without another attempt to write what is left in stdout's buffer."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
