"""The specification, executable: what both sides of the chain agree on to the bit.

Integers and bytes; time, randomness and state are arguments; no I/O. May import the standard
library and the document codec (`dag_cbor`), nothing else.
"""
