"""Provenance: where a run's model comes from, in the formats that other software reads.

Everything is made of a verification's evidence, never of the run's own summary; what only the run
or the sponsor says is marked as reported. Times are the ledger's. The same evidence gives the same
bytes.
"""
