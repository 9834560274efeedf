"""The symbolic engines: z3 looks for a violation among all runs of 0, 1, 2, ... steps, or proves
by induction that there is none.

`terms.py` has values as terms of bit-vectors; `expressions.py` and `actions.py` say in such terms
what `semantics` says in values; `system.py` makes of a Program its first states and one step of its
processes; `bounded.py` unrolls that and gives a Verdict, after it has walked on `semantics` every
run that z3 found.  Nothing found to depth k is UNKNOWN: it is no proof.

`induction.py` proves.  Its candidates are the properties and what `facts.py` can say of where
processes stand; `sample.py` and `guesses.py` leave out what is plainly false, `consecution.py` asks
z3 what a step breaks, and `gaps.py` shows what is missing.
"""
