"""A finished run's model, as a file elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from sheaf.apps.extras import require
from sheaf.apps.models import model_file
from sheaf.apps.runs import Run
from sheaf.protocol.errors import InvalidUsage
from sheaf.store.files import reachable, written_whole


class Kind(StrEnum):
    """What a model can be exported as."""

    SAFETENSORS = "safetensors"
    TORCH = "torch"
    ONNX = "onnx"


PART_BYTES = 1 << 20
SUFFIX = {Kind.SAFETENSORS: ".safetensors", Kind.TORCH: ".pt", Kind.ONNX: ".onnx"}


def export(run: Run, kind: Kind, out: Path | None, project: Path | None) -> dict[str, Any]:
    """Write the model to `out`; `RUN.safetensors`, `.pt` or `.onnx` here if that is None.

    Returns `file` and `kind`, and what else there is to say of such a file. An ONNX graph is made
    of the project's code, which is where the run says, unless `project` is given.

    Raises `InvalidUsage` where a file of that name is there already, `StoreUnavailable` where none
    can be written, `InvalidConfiguration` where a package is not installed, and what the writers
    raise.
    """
    target = out or Path(f"{run.id}{SUFFIX[kind]}")
    with reachable(target):
        if target.exists():
            raise InvalidUsage(
                f"{target}: found a file there already, accepted: a new name", hint="--out FILE"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        written = _write(run, kind, target, project)
    return {"file": str(target), "kind": kind.value} | written


def told(written: Mapping[str, Any]) -> str:
    """What `export` returned, as text: the file, and how far an ONNX graph is from torch."""
    if "difference" not in written:
        return str(written["file"])
    samples = f"{written['samples']:,} {written['inputs']} samples"
    difference = f"maximal absolute difference to torch {written['difference']:.3g} over {samples}"
    return f"{written['file']}\n{difference}"


def _write(run: Run, kind: Kind, target: Path, project: Path | None) -> dict[str, Any]:
    """Torch and ONNX are imported by whoever asks for them."""
    if kind is Kind.SAFETENSORS:
        _copy(model_file(run), target)
        return {}
    require("torch", "torch")
    if kind is Kind.TORCH:
        from sheaf.apps.cli import state_dict

        state_dict.write(run, target)
        return {}
    require("onnx", "onnx", "onnxscript", "onnxruntime")
    from sheaf.apps.cli import onnx_graph

    return vars(onnx_graph.write(run, project, target))


def _copy(model: Path, target: Path) -> None:
    """Of two files, the one that fails is named."""
    with reachable(model):
        source = model.open("rb")
    with source, written_whole(target) as file:

        def part() -> bytes:
            with reachable(model):
                return source.read(PART_BYTES)

        for data in iter(part, b""):
            file.write(data)
