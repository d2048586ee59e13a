"""Audits: what evidence tells beyond whether it is right, as reports, answers and papers.

Everything here is made from the evidence of a verification and from nothing else; what a sponsor or
a run only says is marked as such.
"""
