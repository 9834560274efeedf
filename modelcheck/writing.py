"""How a file is written that somebody names: a regular one is there as a whole or not at all;
through a link, or into a pipe or a device, is written as any program does."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from modelcheck.source import ConfigurationError

STREAMS = (1, 2)  # stdout and stderr


def check_that_it_can_be_named(option: str, file: str) -> None:
    """ConfigurationError, before anything is searched, for a file that cannot be there."""
    if Path(file).is_dir():
        raise ConfigurationError(f"{option} {file}: this is a folder; name a file")
    folder = Path(file).parent
    if not folder.exists():
        raise ConfigurationError(f"{option} {file}: there is no folder {folder}; make it first")
    if not folder.is_dir():
        raise ConfigurationError(f"{option} {file}: {folder} is not a folder")


def write_whole(path: Path, text: str) -> None:
    """Write a file.  OSError if that cannot be; what was there before is there still, but for what
    is written in place: a link's target, a pipe, a device, and where stdout or stderr goes."""
    data = text.encode("utf-8", "backslashreplace")
    there = _what_is(path)
    for stream in STREAMS:
        if there is not None and _is_stream(there, stream):
            _end(stream)
            _write_in_place(os.dup(stream), data)
            return
    if path.is_symlink() or (there is not None and not stat.S_ISREG(there.st_mode)):
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOCTTY | os.O_CLOEXEC
        _write_in_place(os.open(path, how, 0o666), data)
        return
    aside = path.with_name(f".modelcheck-{secrets.token_hex(8)}")
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(aside, how, 0o666)
    try:
        if there is not None:
            os.fchmod(descriptor, stat.S_IMODE(there.st_mode))
        _write_in_place(descriptor, data)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _what_is(path: Path) -> os.stat_result | None:
    """What stands there, links followed; None for nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_stream(there: os.stat_result, stream: int) -> bool:
    """Whether a file is where stdout or stderr goes: what is printed there must not be lost."""
    try:
        return os.path.samestat(there, os.fstat(stream))
    except OSError:  # it is closed
        return False


def _end(stream: int) -> None:
    """What was printed so far comes before what is written."""
    (sys.stdout if stream == 1 else sys.stderr).flush()


def _write_in_place(descriptor: int, data: bytes) -> None:
    """All of it, and the descriptor closed."""
    with open(descriptor, "wb") as file:
        file.write(data)
