"""The quick engine: a Program as straight-line Python, over one packed number for each state.

It needs no compiler and starts at once.  `expressions.py` and `actions.py` say in Python's text
what `semantics` says in closures; `inside.py` says what stands in a step, `called.py` what the text
calls.  `code.py` compiles it where a process first comes by; `search.py` goes breadth first, and
gives a Verdict after it has asked `semantics` about everything that is broken; `waiting.py` finds
who is stuck.
"""
