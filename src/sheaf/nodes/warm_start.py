"""Initial weights from elsewhere: a finished run's last model, or a safetensors file (torch).

A run's model is read from its store, not from its float view, which float32 rounds where a weight
needs more than 24 bits: on the same fraction bits the new task starts at the very same root.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from sheaf.learning import lattice
from sheaf.learning.layout import Layout
from sheaf.nodes.aggregation import Vector, read_vector
from sheaf.nodes.summary_file import read_summary
from sheaf.protocol.arithmetic import ELEMENT_BYTES, LIMIT
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidDocument, InvalidModel, NotFinite
from sheaf.protocol.merkle import Kind, header
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore
from sheaf.store.files import is_file, is_folder, require_readable

Arrays = Mapping[str, NDArray[Any]]


def weights_from(source: Path, layout: Layout) -> Vector:
    """The weights in `source`, the folder of a finished run or a safetensors file, on the lattice
    of `layout`: int32 of shape (coordinates,).

    Raises `InvalidModel` where names, shapes or dtypes are others, where a weight is too large for
    its fraction bits, or where there is no such file; `NotFinite`; and what a store raises.
    """
    try:
        arrays = _of_run(source) if is_folder(source) else _of_file(source, layout)
        values = layout.flatten(arrays)
        _refuse_too_large(values, layout)
    except (InvalidModel, NotFinite) as error:
        raise type(error)(f"model.initial: {source.name}: {error.message}", error.hint) from error
    return lattice.encode_model(values, layout.bits)


def _of_run(folder: Path) -> Arrays:
    """The tensors of the last model of the run in `folder`, in float64, which holds each exactly.

    The summary names the model by its header, whose tree root is one of the store's ids.
    """
    try:
        summary = read_summary(folder)
        cid, wanted = ContentId.parse(str(summary["task"])), bytes.fromhex(summary["model"]["root"])
    except (ValueError, KeyError, TypeError, InvalidDocument) as error:
        raise InvalidDocument(
            f"model.initial: {folder.name}: found no summary with a task and a model ({error}), "
            "accepted: a finished run"
        ) from error
    store = DiskStore(folder / "store")
    task = Task.decode(store.get(cid))
    shape = task.terms().model
    for id in store.ids():
        about = (ELEMENT_BYTES, shape.coordinates, shape.leaves, id.digest)
        if header(Kind.MODEL, *about) == wanted:
            layout = Layout(task.model.layout)
            vector = read_vector(task, store, id.digest)
            return layout.unflatten(lattice.exact_view(vector, layout.bits))
    raise BlobMissing(f"model.initial: {folder.name}: found no model {wanted.hex()} in its store")


def _of_file(file: Path, layout: Layout) -> Arrays:
    """The tensors in a safetensors file, floats of any width in float64.

    Integers count calls (`num_batches_tracked`) and are no part of a model, unless the layout has
    their name: then they are kept, and refused as integers.
    """
    if is_file(file):
        require_readable(file)
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise InvalidModel(f"found {error}, accepted: a safetensors file") from error
    named = {entry.name for entry in layout.entries}
    return {
        name: (tensor.double() if tensor.is_floating_point() else tensor).numpy()
        for name, tensor in tensors.items()
        if tensor.is_floating_point() or name in named
    }


def _refuse_too_large(values: NDArray[np.float64], layout: Layout) -> None:
    """What would saturate is no model to start from."""
    largest = lattice.exact_view(np.full(layout.coordinates, LIMIT, np.int32), layout.bits)
    over = np.abs(values) > largest
    if over.any():
        place = int(np.argmax(over))
        raise InvalidModel(
            f"{layout.name_of(place)}: found {values[place]:g}, accepted: at most "
            f"{largest[place]:g}, which is all that its fraction bits leave room for",
            hint="try smaller model.fraction_bits",
        )
