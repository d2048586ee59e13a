"""Participant, aggregator and auditor: pure `fold` and `decide`; the runner does their I/O.

May import every room except `sheaf.apps`.
"""
