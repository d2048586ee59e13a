"""Hyperparameters without floats: integers, or exact ratios ``[numerator, denominator]``.

A task document holds no float, so that two encodings of one task cannot differ in a last bit.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sheaf.protocol.arithmetic import rdiv
from sheaf.protocol.errors import InvalidConfiguration

_PAIR = 2


def ratio(value: str | int | float | Decimal) -> tuple[int, int]:
    """Return ``value`` as ``(numerator, denominator)`` in lowest terms, the denominator positive.

    A float counts as the decimal that Python prints for it: 0.1 is 1/10.
    Raises ``InvalidConfiguration`` for what is no finite decimal number.
    """
    try:
        return Decimal(str(value)).as_integer_ratio()
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise InvalidConfiguration(f"found {value!r}, accepted: a decimal number") from error


def real(pair: Sequence[int], minimum: int | None = None) -> float:
    """Return the float nearest to a ratio, to train with.

    Raises ``InvalidConfiguration`` unless ``pair`` is two integers, the second positive, of a ratio
    of at least ``minimum``.
    """
    if not _is_ratio(pair):
        raise InvalidConfiguration(f"found {pair!r}, accepted: [numerator, positive denominator]")
    numerator, denominator = pair
    if minimum is not None and numerator < minimum * denominator:
        raise InvalidConfiguration(f"found {numerator}/{denominator}, accepted: at least {minimum}")
    return numerator / denominator


def decay_divisor(decay: Sequence[int]) -> int:
    """Return the k of a decay ``1 - 1/k``, a ratio, as a server's integer moments have it.

    Raises ``InvalidConfiguration`` unless there is a whole k.
    """
    numerator, denominator = decay
    if not 0 <= numerator < denominator or denominator % (denominator - numerator):
        raise InvalidConfiguration(
            f"found {numerator}/{denominator}, accepted: 0, or 1 - 1/k for a whole k, "
            "such as 0.9 or 0.99"
        )
    return denominator // (denominator - numerator)


def fixed_point(pair: Sequence[int], bits: int) -> int:
    """Return the number of units of ``2**-bits`` nearest to a ratio, halves away from zero."""
    numerator, denominator = pair
    return rdiv(numerator << bits, denominator)


def options(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword options with ratios as floats: ``{"lr": [1, 20]}`` becomes ``{"lr": 0.05}``.

    A list of ratios becomes a tuple (``betas``). Integers, booleans and strings stay what they are.
    Raises ``InvalidConfiguration`` naming an option that is none of these.
    """
    return {name: _option(name, value) for name, value in plain.items()}


def _option(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | str):
        return value
    if _is_ratio(value):
        return real(value)
    if isinstance(value, list | tuple) and value and all(_is_ratio(item) for item in value):
        return tuple(real(item) for item in value)
    raise InvalidConfiguration(
        f"{name}: found {value!r}, accepted: an integer, a boolean, a string, a ratio "
        "[numerator, denominator] or a list of ratios"
    )


def _is_ratio(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == _PAIR
        and all(isinstance(part, int) and not isinstance(part, bool) for part in value)
        and value[1] > 0
    )
