"""Xen's page heap, as a library in the spec language: imported by specs, inlined, never run.

What each function does, and in which order it reads and writes, is Xen's; the words are ours.
"""
