"""What holds for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

SANITIZERS = {
    "address": "-g -fsanitize=address,undefined -fno-sanitize-recover=all",
    "thread": "-g -pthread -fsanitize=thread",
}
CC = """\
#!/bin/sh
case "$*" in
*-fsanitize=*) exec {cc} "$@" ;;
*) exec {cc} "$@" {flags} ;;
esac
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sanitize", choices=sorted(SANITIZERS),
        help="compile every native executable with this sanitizer (address: and undefined)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The two longest begin first, so that nobody waits for them at the end."""
    items.sort(key=lambda item: "test_a_share" not in item.name)


@pytest.fixture(autouse=True, scope="session")
def _a_cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves a compiled program in the user's cache, or is quicker for one there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _every_executable_is_watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """With `--sanitize`, $CC is a compiler that adds a sanitizer: whatever a test has compiled, in
    this process or another, ends at the first thing that is wrong, and its search with it."""
    which = request.config.getoption("--sanitize")
    cc = shutil.which("cc") or shutil.which("gcc")
    with pytest.MonkeyPatch.context() as patch:
        if which is not None:
            assert cc is not None, "there is no compiler"
            path: Path = tmp_path_factory.mktemp("sanitize") / "cc"
            path.write_text(CC.format(cc=cc, flags=SANITIZERS[which]), encoding="utf-8")
            path.chmod(0o755)
            patch.setenv("CC", str(path))
            patch.setenv("ASAN_OPTIONS", "detect_leaks=0")
            patch.setenv("TSAN_OPTIONS", "halt_on_error=1")
        yield
