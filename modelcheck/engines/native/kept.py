"""Where compiled programs are kept, and why one that is found there is believed.

What stands there is run.  So it is believed only if nobody else can have put it there, and if it is
what we left: a regular file of ours that no other may write, which ends in a seal (of what was
compiled, and how, and of the program's own bytes), in a folder of ours that no other may enter.
Never in a tree that is checked: who asks for a merge writes files there.  Where there is no such
folder programs are compiled anew in each run, in one that is gone when the run ends; `why_not`
says why.  (The environment is believed: CC and PATH name the compiler.)
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

CHECKOUT = (".git", ".hg", ".svn", "pyproject.toml")  # what the root of a tree has
SEAL = b"\nmodelcheck "
LONGEST = 1 << 28  # bytes of a program

_checked: set[Path] = set()  # folders in which whoever asks for a merge may write
_private: dict[int, Path] = {}  # the folder for this run, by the process that made it


class NotKept(Exception):
    """Nothing is kept; the sentence says why."""


def never_below(path: str | Path) -> None:
    """This file or folder is checked: nothing is believed that stands in its tree."""
    real = Path(os.path.realpath(path))
    _checked.add(real if real.is_dir() else real.parent / "a spec")


def folder() -> Path:
    """Where programs are kept, and are looked for: of this user, or of this run alone.  OSError if
    neither can be had."""
    with suppress(NotKept):
        return _of_user()
    made = next(iter(_private.values()), None)
    try:
        if made is not None:
            _only_ours(made)
    except (NotKept, OSError):
        made = None
    if made is None:
        made = Path(tempfile.mkdtemp(prefix="modelcheck-"))
        _private.clear()
        _private[os.getpid()] = made
        atexit.register(_remove, made, os.getpid())
    return made


def why_not() -> str:
    """A sentence that says why nothing is kept for the next run; "" if it is."""
    try:
        _of_user()
    except NotKept as why:
        return f"compiled programs are not kept: {why}"
    return ""


def _remove(made: Path, owner: int) -> None:
    if os.getpid() == owner:  # a process that was forked ends before it
        shutil.rmtree(made, ignore_errors=True)


# ---------------------------------------------------------------------------------- the folder


def _of_user() -> Path:
    """The folder in the user's cache, made where it is not there."""
    base = _base()
    ours = base / "modelcheck", base / "modelcheck" / "native"
    _outside(ours[-1])
    try:
        base.mkdir(parents=True, exist_ok=True)
        _nobody_renames(base)
        for each in ours:
            with suppress(FileExistsError):
                each.mkdir(mode=0o700)
            _only_ours(each)
        if not os.access(ours[-1], os.W_OK | os.X_OK):
            raise NotKept(f"{ours[-1]} cannot be written; name another folder in XDG_CACHE_HOME")
    except OSError as error:
        text = f"{ours[-1]}: {(error.strerror or str(error)).lower()}"
        raise NotKept(f"{text}; name another folder in XDG_CACHE_HOME") from None
    return ours[-1]


def _base() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():  # another is to be ignored, says who defined it
        return Path(named)
    try:
        home = Path(os.environ["HOME"]) if "HOME" in os.environ else Path.home()
    except RuntimeError:  # nor does the system know one
        home = Path()
    if not home.is_absolute():
        raise NotKept("HOME names no folder; name one in XDG_CACHE_HOME")
    return home / ".cache"


def _outside(place: Path) -> None:
    """NotKept in the tree of what is checked, or of the working directory."""
    real = Path(os.path.realpath(place))
    trees = set(_checked)
    for inside in {*_checked, Path(os.path.realpath(os.curdir)) / "a file"}:
        trees |= {
            above for above in inside.parents if any((above / name).exists() for name in CHECKOUT)
        }
    for tree in sorted(trees):
        if real.is_relative_to(tree):
            text = f"{place} is in {tree}, which is checked; name another folder in XDG_CACHE_HOME"
            raise NotKept(text)


def _nobody_renames(base: Path) -> None:
    """NotKept where another may put a folder of his in the place of ours."""
    for above in (real := Path(os.path.realpath(base)), *real.parents):
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise NotKept(f"everybody may write in {above}; name another folder in XDG_CACHE_HOME")


def _only_ours(each: Path) -> None:
    """NotKept if it is no folder of ours; nobody else enters it after this."""
    found = each.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotKept(f"{each} is no folder, or a link; remove it")
    if found.st_uid != os.geteuid():
        raise NotKept(f"{each} is another user's; name another folder in XDG_CACHE_HOME")
    if stat.S_IMODE(found.st_mode) != 0o700:
        each.chmod(0o700)


# ------------------------------------------------------------------------- what is half made

ASIDE = "making-"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Aside:
    """A folder in which a program is made, before it is kept.  It is locked as long as we live, so
    that what a run left that was killed is known, and removed by the next one.  OSError if it
    cannot be had.

    remove  called, it removes it; so does the end of this object"""

    def __init__(self, beside: Path) -> None:
        _remove_what_was_left(beside)
        while True:
            self.path = Path(tempfile.mkdtemp(dir=beside, prefix=ASIDE))
            try:
                lock = os.open(self.path, FOLDER)
            except FileNotFoundError:  # another one found it before it was locked
                continue
            with suppress(OSError):  # a file system that knows no locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if self.path.exists():
                self.remove = weakref.finalize(self, _no_more, self.path, lock)
                return
            os.close(lock)


def _no_more(aside: Path, lock: int) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    os.close(lock)


def _remove_what_was_left(beside: Path) -> None:
    """Removes what processes left aside that live no more."""
    for left in beside.glob(f"{ASIDE}*"):
        try:
            lock = os.open(left, FOLDER)
        except OSError:  # it is gone, or no folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:  # somebody is at it, or there are no locks
            pass
        finally:
            os.close(lock)


# ------------------------------------------------------------------------------- the programs


def key(*made_of: str) -> str:
    """What names a program: a digest of everything that decides what it is."""
    return hashlib.sha256("\0".join(made_of).encode("utf-8", "surrogatepass")).hexdigest()


def seal(program: Path, of: str) -> None:
    """Write behind a program which it is, and that it is whole; nobody else may write it then."""
    program.chmod(0o700)
    with program.open("ab") as file:
        file.write(_seal(program.read_bytes(), of))


def believed(program: Path, of: str) -> bool:
    """Whether what stands there is the program of this key, as it was sealed by us.  What is not is
    removed, if it can be."""
    try:
        file = os.open(program, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:  # a link
        _take_away(program)
        return False
    try:
        found = os.fstat(file)
        if (
            stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
            and found.st_mode & 0o122 == 0o100 and found.st_size <= LONGEST
        ):
            with open(file, "rb", closefd=False) as opened:
                text = opened.read()
            length = len(_seal(b"", of))
            if text[-length:] == _seal(text[:-length], of):
                return True
    finally:
        os.close(file)
    _take_away(program)
    return False


def _seal(program: bytes, of: str) -> bytes:
    digest = hashlib.sha256(of.encode("ascii") + program).hexdigest()
    return SEAL + f"{of} {digest}\n".encode("ascii")


def _take_away(what: Path) -> None:
    if what.is_dir() and not what.is_symlink():
        shutil.rmtree(what, ignore_errors=True)
    else:
        with suppress(OSError):
            what.unlink()
