"""A model as torch keeps one: a state dict of plain tensors. Needs torch."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file


def write(source: Path, target: Path) -> None:
    """Write the safetensors file `source` as a state dict, which `torch.load` reads."""
    torch.save(load_file(source), target)
