"""A Program in the languages of other model checkers, one step for one step.

SPIN, Rumur and TLC then explore the very same states.  `lowering.py` makes a Model of a Program,
`promela.py`, `murphi.py` and `tlaplus.py` print it.
"""

from modelcheck.export import murphi, promela, tlaplus
from modelcheck.export.lowering import lowered
from modelcheck.ir import Program

LANGUAGES = ("promela", "murphi", "tlaplus")


def exported(program: Program, language: str, spec: str) -> str:
    """A Program in one of LANGUAGES, as the text of a file; `spec` is where it comes from.

    SpecError for what cannot be said there."""
    match language:
        case "promela":
            return promela.promela(lowered(program, spec, promela.KEYWORDS))
        case "murphi":
            return murphi.murphi(lowered(program, spec, murphi.KEYWORDS))
        case "tlaplus":
            return tlaplus.tlaplus(lowered(program, spec, tlaplus.KEYWORDS))
    raise ValueError(f"no such language: {language}")


__all__ = ["LANGUAGES", "exported"]
