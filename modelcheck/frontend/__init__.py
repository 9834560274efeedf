"""A spec's text -> Program: read, checked and typed, never run."""
