"""Sponsor, participant, aggregator and challenger: pure `fold` and `decide`; the runner does their
I/O, and verification recomputes a run without them.

May import every room except `sheaf.apps`.
"""
