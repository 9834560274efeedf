"""The model and the executable allocator, side by side on random schedules over the shipped specs.

Every cell is compared after every step, every property, and which CPUs can go on.  The whole
campaign: `python -m modelcheck.heap.campaign --schedules 10000`."""

import re
from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.heap.campaign import Instance, instances, main, walks
from tests.heap.small import agreed

SPECS = Path(__file__).parents[2] / "specs"
GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "steps").glob("*.py"))


@pytest.mark.parametrize("instance", instances(SPECS), ids=lambda i: Path(str(i)).name)
def test_model_and_allocator_agree(instance: Instance) -> None:
    found = list(walks(instance, range(10), 150))
    assert [w for w in found if w.difference] == []
    assert sum(w.steps for w in found) > 150


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_they_agree_on_the_small_specs_of_the_golden_tests(path: Path) -> None:
    assert agreed(*compile_spec(str(path), {}))


def test_the_instances_are_those_of_the_parameters() -> None:
    names = [Path(str(i)).name for i in instances(SPECS)]
    assert [n for n in names if n.startswith("per_page_cmpxchg.py")] == [
        "per_page_cmpxchg.py",
        "per_page_cmpxchg.py --set PAGES=1",
        "per_page_cmpxchg.py --set IDLE_CPUS=2",
        "per_page_cmpxchg.py --set WAIT=True",
    ]


def test_a_seed_is_a_schedule() -> None:
    instance = Instance(str(SPECS / "scrub_in_place.py"), ())
    assert list(walks(instance, range(3, 5), 60)) == list(walks(instance, range(3, 5), 60))


def test_the_campaign_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    folder = SPECS / "first_steps"
    assert main(["--schedules", "40", "--steps", "20", "--specs", str(folder)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"40 schedules, \d+ steps in \d+ s: the model and the allocator agree", last
    )
