"""Arrays in, arrays out: lattice, layout, aggregation rules, algorithms, training, evaluation.

No I/O. May import `sheaf.protocol` and NumPy; torch only in the modules that train or score.
"""
