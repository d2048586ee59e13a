"""A ``torch.nn.Module`` and its layout: which of its tensors are the model, out of it and into it.

The model is every parameter, then every persistent buffer of floats. Integer buffers, such as the
``num_batches_tracked`` of a BatchNorm, count calls and are nobody's knowledge: they are left out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sheaf.learning.lattice import FRAC_BITS_DEFAULT, Integers, float_view
from sheaf.learning.layout import Layout
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.layout import Tensor

_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


def layout_of(
    module: nn.Module,
    frac_bits: int = FRAC_BITS_DEFAULT,
    statistic_frac_bits: Mapping[str, int] | None = None,
) -> Layout:
    """Return the layout of ``module``: parameters are trainable, float buffers are statistics.

    ``statistic_frac_bits`` gives some statistics, by name, fraction bits of their own.
    Raises ``InvalidModel`` for a module without parameters, with complex or uninitialised ones, or
    for a name in ``statistic_frac_bits`` that is no statistic.
    """
    parameters, statistics = _parameters(module), _statistics(module)
    overrides = dict(statistic_frac_bits or {})
    for name in overrides:
        if name not in statistics:
            raise InvalidModel(
                f"{name}: found fraction bits for it, accepted: a statistic, "
                f"one of {sorted(statistics)}"
            )
    kinds: list[tuple[str, dict[str, torch.Tensor]]] = [
        ("trainable", parameters),
        ("statistic", statistics),
    ]
    return Layout(
        tuple(
            Tensor(name, tuple(tensor.shape), kind, overrides.get(name, frac_bits))
            for kind, tensors in kinds
            for name, tensor in tensors.items()
        )
    )


def arrays_of(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Return copies of the tensors that are the model, as NumPy arrays of floats, by name."""
    return {name: _array(tensor) for name, tensor in _tensors(module).items()}


def vector_of(module: nn.Module, layout: Layout) -> NDArray[np.float64]:
    """Return the model in ``module`` as floats of shape (coordinates,), ready to be encoded.

    Raises ``InvalidModel`` when the module has another layout, ``NotFinite`` for NaN or infinity.
    """
    return layout.flatten(arrays_of(module))


def load(module: nn.Module, layout: Layout, vector: Integers) -> None:
    """Set the tensors of ``module`` to the floats that the lattice ``vector`` stands for.

    Raises ``InvalidModel``, before anything is changed, when module, layout and vector do not fit.
    """
    arrays = layout.unflatten(float_view(vector, layout.bits))
    tensors = _tensors(module)
    for name in sorted(arrays.keys() ^ tensors.keys()):
        where = "the layout" if name in arrays else "the module"
        raise InvalidModel(f"{name}: found only in {where}, accepted: the same tensors in both")
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != arrays[name].shape:
            raise InvalidModel(
                f"{name}: found shape {tuple(tensor.shape)} in the module, "
                f"accepted: {arrays[name].shape}"
            )
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(arrays[name]))


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    return {**_parameters(module), **_statistics(module)}


def _parameters(module: nn.Module) -> dict[str, torch.Tensor]:
    parameters: dict[str, torch.Tensor] = dict(module.named_parameters())
    for name, parameter in parameters.items():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise InvalidModel(f"{name}: found no shape yet, accepted: an initialised parameter")
        if not parameter.is_floating_point():
            raise InvalidModel(f"{name}: found dtype {parameter.dtype}, accepted: floats")
    return parameters


def _statistics(module: nn.Module) -> dict[str, torch.Tensor]:
    # A buffer outside of the state dict is recomputed by the module itself.
    kept = module.state_dict().keys()
    return {
        name: buffer
        for name, buffer in module.named_buffers()
        if name in kept and buffer.is_floating_point()
    }


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    on_host = tensor.detach().to("cpu", copy=True)
    if on_host.dtype not in _NUMPY_FLOATS:
        on_host = on_host.float()
    array: NDArray[Any] = on_host.numpy()
    return array
