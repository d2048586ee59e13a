"""Attacks as whole runs: the nodes that everybody runs, some of them given other means.

`liars` are the actors that break the rules, `disputes` the runs that they and the court make.
"""
