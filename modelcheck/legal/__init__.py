"""What a Program may contain, as a table; checked after every stage.

`STAGES` says which rules hold after which stage, `sites.ALLOWED` which expressions may stand where.
A rule is a function that yields what breaks it.  A Program that is not legal is a defect of the
stage that made it, never a mistake in a spec.
"""

from modelcheck.ir import Program
from modelcheck.legal import data, expressions, steps
from modelcheck.legal.illegal import Illegal, Rule

COMMON: tuple[Rule, ...] = (
    data.names_mean_one_thing,
    data.sorts_are_sane,
    data.variables_have_their_values,
    data.locals_are_plain,
    data.constants_are_in_their_sorts,
    data.properties_are_named,
    steps.locations_are_named,
    steps.paths_end_in_one_goto,
    steps.gotos_lead_somewhere,
    steps.one_access_in_a_step,
    steps.waits_begin_a_step,
    expressions.stand_where_they_may,
    expressions.loaded_was_loaded,
    expressions.observed_is_asserted,
    expressions.names_exist,
    expressions.places_exist,
    expressions.words_have_their_fields,
    expressions.ghosts_do_not_steer,
    steps.live_is_liveness,
)

STAGES: dict[str, tuple[Rule, ...]] = {
    "steps": (*COMMON, steps.no_memory_model),  # what the front end makes
    "memory": (*COMMON, steps.memory_model_is_in),
    "passes": (*COMMON, steps.memory_model_is_in),
    "reductions": (  # where steps that concern nobody else follow at once
        *(r for r in COMMON if r not in (steps.one_access_in_a_step, steps.live_is_liveness)),
        steps.live_is_enough,
        steps.memory_model_is_in,
    ),
}


def check(program: Program, stage: str) -> None:
    """Raise Illegal for the first thing that breaks a rule of that stage (a key of STAGES)."""
    for rule in STAGES[stage]:
        for problem in rule(program):
            raise problem


__all__ = ["STAGES", "Illegal", "check"]
