"""The chain as Sheaf uses it: the embedded EVM, the client, and the compiled contracts.

May import `sheaf.protocol` (and `sheaf.learning`); never `sheaf.store` or `sheaf.proofs`. Time is
given by the caller, also here: the embedded chain never reads a clock.
"""
