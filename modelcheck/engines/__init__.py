"""Engines: each takes a Program and gives a Verdict, and knows nothing of the others.

`reference.py` is the referee: it keeps a graph of `semantics`, from which `shortest.py` and
`deadlock.py` read.  `quick/` and `native/` keep packed states (`packed.py`) and no graph; what they
find is shown by `evidence.py`, as the referee would show it.  `symbolic/` looks at runs.
"""
