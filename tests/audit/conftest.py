"""The real run that reports are made of."""

from tests.nodes.conftest import honest

__all__ = ["honest"]
