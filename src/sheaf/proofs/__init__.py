"""Claims about arrays that a third party can check: commitments and their openings.

May import `sheaf.learning` and `sheaf.protocol`; never `sheaf.ledger` or `sheaf.store`.
"""
