"""Who said what: signing keys, signed envelopes, and the statements in them.

May import `sheaf.protocol`; never `sheaf.ledger`, `sheaf.store` or `sheaf.proofs`. Nothing here
reads a file, knows the time, or draws at random.
"""
