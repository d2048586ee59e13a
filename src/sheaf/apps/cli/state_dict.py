"""A model as torch keeps one: a state dict of plain tensors. Needs torch."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch

from sheaf.apps.modules import tensors
from sheaf.apps.runs import Run
from sheaf.store.files import write_atomically


def write(run: Run, target: Path) -> None:
    """Write the run's final model as a state dict, which `torch.load` reads.

    Raises what `modules.tensors` raises, and `StoreUnavailable`.
    """
    buffer = BytesIO()
    torch.save(tensors(run), buffer)
    write_atomically(target, buffer.getvalue())
