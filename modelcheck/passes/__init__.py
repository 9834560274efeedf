"""Program -> Program: each file is one pass, with the sentence that says what it preserves.

`REDUCTIONS` are those that a search may do without: with them there are fewer states to look at.
"""

REDUCTIONS = ("lock-protected", "ownership", "ample-sets", "symmetry", "tickets")
