"""The house style as functions: each takes a source and yields what is wrong with it."""
