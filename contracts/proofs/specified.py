"""Functions of the specification as formulas: plain integer Python, after its checks."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import z3

SPECIFICATION = Path(__file__).parents[2] / "src" / "sheaf" / "protocol"


def result(file: str, name: str, values: dict[str, Any], known: list[Any]) -> Any:
    """What the function returns for these unknowns, where none of its checks raises; what defines a
    division by a variable is added to `known`. Raises ValueError for code that is not read."""
    tree = ast.parse((SPECIFICATION / file).read_text("utf-8"))
    (found,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    values = dict(values)
    for statement in found.body:
        match statement:
            case ast.Expr(ast.Constant(str())):
                continue
            case ast.If(test=test, body=[ast.Raise()], orelse=[]):
                known.append(z3.Not(_value(test, values, known)))
            case ast.Assign(targets=[ast.Name(target)], value=value):
                values[target] = _value(value, values, known)
            case ast.Return(value=ast.expr() as value):
                return _value(value, values, known)
            case _:
                raise ValueError(f"{file}: {name}: a {type(statement).__name__}")
    raise ValueError(f"{file}: {name} returns nothing")


def _value(node: ast.expr, values: dict[str, Any], known: list[Any]) -> Any:
    def inner(each: ast.expr) -> Any:
        return _value(each, values, known)

    match node:
        case ast.Constant(int() as number):
            return number
        case ast.Name(name):
            return values[name]
        case ast.UnaryOp(ast.USub(), operand):
            return -inner(operand)
        case ast.Call(ast.Name("abs"), [of]):
            found = inner(of)
            return z3.If(found < 0, -found, found)
        case ast.IfExp(test, body, orelse):
            return z3.If(inner(test), inner(body), inner(orelse))
        case ast.Compare(left, [ast.Lt()], [right]):
            return inner(left) < inner(right)
        case ast.Compare(left, [ast.LtE()], [right]):
            return inner(left) <= inner(right)
        case ast.BinOp(left, ast.Add(), right):
            return inner(left) + inner(right)
        case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int() as number)) if number > 0:
            return inner(left) / number
        case ast.BinOp(left, ast.FloorDiv(), right):
            over, under = inner(left), inner(right)
            quotient = z3.Int(f"floor{len(known)}")
            known.append(z3.And(quotient * under <= over, over < (quotient + 1) * under))
            return quotient
    raise ValueError(f"a {type(node).__name__} that is not read")
