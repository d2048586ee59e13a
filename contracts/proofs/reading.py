"""Solidity functions as formulas: the compiler's own syntax tree, run on unknown integers.

Only what the functions that are proved are made of is understood; anything else raises `Unread`, so
that a proof never speaks of code it did not read. Integers are mathematical, and beside the result
stands what keeps them inside their type: who proves a claim proves that, too.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import z3

ROOT = Path(__file__).parents[1]
Term = Any
"""An integer or a truth of z3's, or a plain one where all is known."""

Node = Mapping[str, Any]


class Unread(Exception):
    """Code of a kind that nobody has taught this reader."""


@dataclass(frozen=True)
class Way:
    """One way through some statements: what the variables are, what was decided to come here, what
    is known of the numbers that were divided or came from elsewhere, what keeps all inside their
    types, and what was returned, if anything was."""

    values: Mapping[str, Term]
    decided: tuple[Term, ...] = ()
    known: tuple[Term, ...] = ()
    inside: tuple[Term, ...] = ()
    result: Term = None
    ended: bool = False


def function(
    file: str, name: str, *, mistake: tuple[str, str] | None = None, arity: int = -1
) -> Node:
    """The only function of this name (and number of parameters) in a file, with one text in it
    replaced by another where a `mistake` is to be made."""
    text = (ROOT / file).read_text("utf-8")
    if mistake is not None:
        if text.count(mistake[0]) != 1:
            raise Unread(f"{file}: found {mistake[0]!r} {text.count(mistake[0])} times, not once")
        text = text.replace(*mistake)
    done = subprocess.run(
        ["node", "tools/ast.mjs"], cwd=ROOT, input=text, capture_output=True, text=True, check=True
    )
    found = [
        each
        for each in _functions(json.loads(done.stdout))
        if each["name"] == name and arity in (-1, len(each["parameters"]["parameters"]))
    ]
    if len(found) != 1:
        raise Unread(f"{file}: found {len(found)} functions {name}, not one")
    return found[0]


def statements(found: Node) -> list[Node]:
    """The statements of a function; those of an unchecked block that is all of it."""
    body = list(found["body"]["statements"])
    return list(body[0]["statements"]) if body[0]["nodeType"] == "UncheckedBlock" else body


def _functions(tree: Any) -> Iterator[Node]:
    if isinstance(tree, dict):
        if tree.get("nodeType") == "FunctionDefinition":
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _functions(each)


@dataclass
class Reader:
    """Runs statements. `signed` names the variables that may be negative."""

    signed: frozenset[str] = frozenset()
    _fresh: int = 0
    _path: Way = field(default_factory=lambda: Way({}))

    def run(self, body: list[Node], path: Way) -> list[Way]:
        """All ways through the statements from here."""
        paths = [path]
        for node in body:
            paths = [
                further
                for each in paths
                for further in ([each] if each.ended else self._step(node, each))
            ]
        return paths

    def value(self, node: Node, path: Way) -> tuple[Term, Way]:
        """An expression, and the path with what had to be known for it."""
        self._path = path
        found = self._expression(node)
        return found, self._path

    def _step(self, node: Node, path: Way) -> list[Way]:
        kind = node["nodeType"]
        if kind in ("Block", "UncheckedBlock"):
            return self.run(list(node["statements"]), path)
        if kind == "EmitStatement":
            return [path]
        if kind == "VariableDeclarationStatement":
            (declared,), initial = node["declarations"], node.get("initialValue")
            if str(declared["typeName"].get("name", "")).startswith("int"):
                self.signed |= {declared["name"]}
            found, path = (0, path) if initial is None else self.value(initial, path)
            return [replace(path, values={**path.values, declared["name"]: found})]
        if kind == "IfStatement":
            asked, path = self.value(node["condition"], path)
            yes = replace(path, decided=(*path.decided, asked))
            no = replace(path, decided=(*path.decided, z3.Not(asked)))
            other = node.get("falseBody")
            return self._step(node["trueBody"], yes) + (
                self._step(other, no) if other is not None else [no]
            )
        if kind == "Return":
            found, path = self.value(node["expression"], path)
            return [replace(path, result=found, ended=True)]
        if kind == "ExpressionStatement":
            return [self._does(node["expression"], path)]
        raise Unread(f"a statement of kind {kind}")

    def _does(self, node: Node, path: Way) -> Way:
        if node["nodeType"] == "FunctionCall":
            return path  # what it changes is not asked about, or its result would be used
        if node["nodeType"] != "Assignment":
            raise Unread(f"a statement that is a {node['nodeType']}")
        name, operator = dotted(node["leftHandSide"]), node["operator"]
        if operator == "=":
            found, path = self.value(node["rightHandSide"], path)
        else:
            self._path = path
            right = self._expression(node["rightHandSide"])
            left = self._named(name)
            found = self._combined(operator[:-1], left, right, signed=name in self.signed)
            path = self._path
        return replace(path, values={**path.values, name: found})

    def _expression(self, node: Node) -> Term:
        kind = node["nodeType"]
        if kind == "Literal":
            return int(node["value"], 0)
        if kind == "TupleExpression":
            (inner,) = node["components"]
            return self._expression(inner)
        if kind in ("Identifier", "MemberAccess", "IndexAccess"):
            return self._named(dotted(node))
        if kind == "FunctionCall":
            return self._called(node)
        if kind == "Conditional":
            asked = self._expression(node["condition"])
            yes, no = (self._expression(node[f"{name}Expression"]) for name in ("true", "false"))
            return z3.If(asked, yes, no)
        if kind == "BinaryOperation":
            left, right = (
                self._expression(node[f"{side}Expression"]) for side in ("left", "right")
            )
            return self._combined(node["operator"], left, right, signed=self._is_signed(node))
        raise Unread(f"an expression of kind {kind}")

    def _called(self, node: Node) -> Term:
        """A conversion is what it converts; anything else gives a number of which nothing is known
        but that it is not negative, the same one for the same call."""
        callee = node["expression"]
        if callee["nodeType"] == "ElementaryTypeNameExpression":
            return self._expression(node["arguments"][0])
        name = dotted(callee)
        if name == "SafeCast.toUint":
            return z3.If(self._expression(node["arguments"][0]), 1, 0)
        return self._named(f"{name}()")

    def _named(self, name: str) -> Term:
        if name not in self._path.values:
            unknown = z3.Int(name)
            known = self._path.known + (() if name in self.signed else (unknown >= 0,))
            self._path = replace(
                self._path, values={**self._path.values, name: unknown}, known=known
            )
        return self._path.values[name]

    def _is_signed(self, node: Node) -> bool:
        if node["nodeType"] == "Identifier":
            return node["name"] in self.signed
        inner = [
            node[name]
            for name in ("leftExpression", "rightExpression", "trueExpression", "falseExpression")
            if name in node
        ]
        return any(map(self._is_signed, [*inner, *node.get("components", ())]))

    def _combined(self, operator: str, left: Term, right: Term, *, signed: bool) -> Term:
        match operator:
            case "<" | "<=" | ">" | ">=" | "==" | "!=":
                return _compared(operator, left, right)
            case "&&":
                return z3.And(left, right)
            case "||":
                return z3.Or(left, right)
            case "+" | "-" | "*":
                found = {"+": left + right, "-": left - right, "*": left * right}[operator]
            case "/":
                return self._divided(left, right)
            case "<<" if isinstance(right, int):
                found = left * 2**right
            case ">>" if isinstance(right, int) and not signed:
                return left // 2**right if isinstance(left, int) else left / 2**right
            case _:
                raise Unread(f"the operator {operator}")
        low, high = (-(2**255), 2**255) if signed else (0, 2**256)
        self._keep(inside=z3.And(low <= found, found < high))
        return found

    def _divided(self, left: Term, right: Term) -> Term:
        """Towards zero, by what defines it; that the divisor is positive is to be proved."""
        if isinstance(left, int) and isinstance(right, int):
            return left // right
        if isinstance(right, int):
            return z3.If(left >= 0, left / right, -(-left / right))
        self._fresh += 1
        quotient, rest = z3.Ints(f"quotient{self._fresh} rest{self._fresh}")
        small = z3.If(left < 0, z3.And(-right < rest, rest <= 0), z3.And(rest >= 0, rest < right))
        defined = z3.And(left == quotient * right + rest, small)
        self._keep(inside=right > 0, known=z3.Implies(right > 0, defined))
        return quotient

    def _keep(self, *, inside: Term, known: Term = None) -> None:
        more = () if known is None else (known,)
        path = self._path
        self._path = replace(path, inside=(*path.inside, inside), known=(*path.known, *more))


def _compared(operator: str, left: Term, right: Term) -> Term:
    return {
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
        "==": lambda: left == right,
        "!=": lambda: left != right,
    }[operator]()


def dotted(node: Node) -> str:
    """The name that a variable, a field or a function goes by."""
    match node["nodeType"]:
        case "Identifier":
            return str(node["name"])
        case "MemberAccess":
            return f"{dotted(node['expression'])}.{node['memberName']}"
        case "IndexAccess":
            return f"{dotted(node['baseExpression'])}[{dotted(node['indexExpression'])}]"
        case "FunctionCall":
            return f"{dotted(node['expression'])}()"
    raise Unread(f"a name that is a {node['nodeType']}")
