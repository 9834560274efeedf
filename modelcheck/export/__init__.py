"""A Program in the languages of other model checkers, one step for one step.

SPIN, Rumur and TLC then explore the very same states.  `lowering.py` makes a Model of a Program,
`promela.py`, `murphi.py` and `tlaplus.py` print it.
"""

from typing import NamedTuple

from modelcheck.export import murphi, promela, tlaplus
from modelcheck.export.lowering import lowered
from modelcheck.ir import Program

LANGUAGES = ("promela", "murphi", "tlaplus")


class File(NamedTuple):
    """The text of a file, and how its name ends."""

    suffix: str
    text: str


def exported(program: Program, language: str, spec: str, name: str | None = None) -> list[File]:
    """A Program in one of LANGUAGES.  `spec` is where it comes from; `name` what the files are to
    be called, the Program's own if that is None.  Printed one after the other, they are one file.

    SpecError for what cannot be said there."""
    called = name or program.name
    match language:
        case "promela":
            model = lowered(program, spec, called, promela.KEYWORDS)
            return [File(".pml", promela.promela(model))]
        case "murphi":
            return [File(".m", murphi.murphi(lowered(program, spec, called, murphi.KEYWORDS)))]
        case "tlaplus":
            model = lowered(program, spec, called, tlaplus.KEYWORDS)
            return [
                File(".tla", tlaplus.tlaplus(model)), File(".cfg", tlaplus.configuration(model)),
            ]
    raise ValueError(f"no such language: {language}")


__all__ = ["LANGUAGES", "File", "exported"]
