"""A small Program in each language, word for word; and what cannot be said, in a sentence.

`RENEW=1 python -m pytest tests/export` writes the expected texts anew; read the difference."""

import os
from pathlib import Path
from textwrap import dedent

import pytest

from modelcheck.export import LANGUAGES, exported
from modelcheck.export.lowering import lowered
from modelcheck.export.model import Names
from modelcheck.export.promela import KEYWORDS
from modelcheck.ir import Program
from modelcheck.legal import check
from modelcheck.notation import parse_program
from modelcheck.source import SpecError
from tests.small_programs import program

TINY = Path(__file__).parent / "golden" / "tiny.program"


def tiny() -> Program:
    return parse_program(TINY.read_text(encoding="utf-8"), "tiny.program")


def test_the_program_is_legal() -> None:
    check(tiny(), "passes")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_is_this(language: str) -> None:
    for file in exported(tiny(), language, "tiny.program"):
        expected = TINY.with_suffix(file.suffix)
        if os.environ.get("RENEW"):
            expected.write_text(file.text, encoding="utf-8")
        assert file.text == expected.read_text(encoding="utf-8")


def test_no_name_is_given_twice_or_is_a_keyword() -> None:
    names = Names(KEYWORDS)
    given = [names.given(n) for n in ("do", "Page.next", "page_next", "_", "3x", "WF_x", "a__b")]
    assert given == ["do_2", "Page_next", "page_next_2", "v", "v3x", "vWF_x", "a_b"]


ONE = """\
    program one()
    sort process 1
    shared n: {sort} = 0
    process p
      local a: {sort}
      entry: goto p_1
      at p_1:
        load n
        a := $
        {work}
      at p_2 live a:
        store n := {value}
        goto p_1
    """


def one(sort: str = "0..3", work: str = "goto p_2", value: str = "a") -> Program:
    return program(ONE.format(sort=sort, work=work, value=value))


@pytest.mark.parametrize(
    ("language", "made", "says"),
    [
        ("promela", one(sort="0..4294967296"),
         "n is 0..4294967296, and the peers count in 32 bits"),
        ("murphi", one(sort="0..65536", value="a * a"),
         "a number that may be as far out as 4294967296: the peers count in 32 bits"),
        ("promela", one(sort="0..63", value="1 << a"),
         "a shift by up to 63: the peers count in 32 bits"),
        ("tlaplus", one(sort="-4..3", value="a & 3"),
         "bits of a negative number cannot be said in TLA+"),
        ("promela", program("""\
            program nothing()
            sort process 1
            process p
              entry: goto end
            """), "no process takes a step"),
        ("promela", program("""\
            program begins()
            sort process 1
            shared n: 0..2000 = 0
            boot boot
              local a: 0..2000
              entry:
                choose a in range(0, 1001)
                goto boot_1
              at boot_1 live a transit:
                store n := a
                goto end
            process p
              entry: goto p_1
              at p_1:
                store n := 0
                goto end
            """), "there are 1,001 ways to begin, each of which would be written out: at most "
                  "1,000 are"),
        ("promela", program("""\
            program stillborn()
            sort process 1
            shared n: 0..3 = 0
            process p
              local a: 0..3
              entry:
                a := 3
                a := a + 1
                goto p_1
              at p_1 live a:
                store n := a
                goto end
            """), "before the first step: a value leaves its range: 4 is not in 0..3"),
        ("promela", program("""\
            program turns()
            sort process 1
            shared n: 0..3 = 0
            process p
              local a: 0..3
              entry: goto p_1
              at p_1:
                load n
                a := $
                goto p_2
              at p_2 live a transit:
                if a < 3:
                  a := a + 1
                  goto p_2
                else: goto end
            """), "what one step may do here is too much to be written out: it branches too often, "
                  "or goes round a loop over locals"),
        ("promela", one(sort="0..100", work="choose a in range(0, 100)\n        "
                        "choose a in range(0, 100)\n        goto p_2"),
         "this step can be taken in over 1,000 ways, each of which would be written out"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused(language: str, made: Program, says: str) -> None:
    with pytest.raises(SpecError) as refused:
        exported(made, language, "one.txt")
    assert refused.value.problem == says


def test_a_loop_over_locals_whose_turns_are_known_is_written_out() -> None:
    model = lowered(program(dedent("""\
        program turns()
        sort process 1
        shared n: 0..3 = 0
        process p
          local a: 0..3
          entry: goto p_1
          at p_1:
            load n
            a := 0
            goto p_2
          at p_2 live a transit:
            if a < 3:
              a := a + 1
              goto p_2
            else: goto p_3
          at p_3 live a:
            store n := a
            goto end
        """)), "turns.txt", "turns", "")
    assert [len(command.body) for command in model.commands] == [2, 3]


def test_an_or_is_one_value_in_tlaplus() -> None:
    """Random Programs through TLC showed both: `flag' = a \\/ b` is `(flag' = a) \\/ b`, since `=`
    binds closer, so that states were lost; and an `or` among the conjuncts of an action is two
    steps for TLC, where we have one."""
    (module, _) = exported(program("""\
        program or_()
        sort process 1
        shared flag: bool = False
        process p
          local a: bool
          local b: bool
          entry: goto p_1
          at p_1:
            load flag
            a := $
            choose b in [False, True]
            goto p_2
          at p_2 live a, b:
            wait a or b
            store flag := a == b or b
            goto p_1
        """), "tlaplus", "or.txt")
    action = module.text.partition("\np_p_2 ==\n")[2]
    assert action.startswith(
        "  /\\ TRUE = ((p_pc = p_at_p_2) /\\ (p_a \\/ p_b))\n"
        "  /\\ flag' = ((p_a = p_b) \\/ p_b)\n"
    )
