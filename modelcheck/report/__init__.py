"""Verdicts and traces for people: text now, other formats as they come."""
