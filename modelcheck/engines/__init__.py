"""Engines: each takes a Program and gives a Verdict, and knows nothing of the others.

`reference.py` is the referee; `shortest.py` and `deadlock.py` are what it asks of its graph.
"""
