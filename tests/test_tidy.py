"""The house style, measured. Every check is first shown a planted violation and a clean twin.

Planted words that are banned everywhere are put together here from halves, so that this file does
not hold what the checks look for.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pytest

from tests.tidy import conduct, notebooks, shape
from tests.tidy.source import Check, Source, repository


@dataclass(frozen=True)
class Planted:
    """A check with a source that breaks it and one that comes close and does not."""

    check: Check
    path: str
    bad: str
    clean: str


def python_function(lines: int) -> str:
    return "def long():\n" + "    pass\n" * (lines - 1)


def solidity_function(lines: int) -> str:
    return "function f()\n" + "{\n" + "x++;\n" * (lines - 3) + "}\n"


SPEC, LEARNING = "src/sheaf/protocol/seats.py", "src/sheaf/learning/rows.py"
APP, TEST = "src/sheaf/apps/show.py", "tests/apps/test_show.py"
TOKEN = "contracts/src/Token.sol"
NOTEBOOK = "examples/notebooks/task.ipynb"


def notebook(outputs: str, count: str) -> str:
    cell = f'"outputs": {outputs}, "execution_count": {count}, "metadata": {{}}'
    return f'{{"cells": [{{"metadata": {{}}}}, {{{cell}}}]}}'


PLANTED = [
    Planted(shape.wide_lines, SPEC, "x" * 101, "x" * 100),
    Planted(shape.wide_lines, TOKEN, "x" * 101, "x" * 100),
    Planted(shape.wide_lines, "benchmarks/rules.py", "x" * 101, "x" * 100),
    Planted(shape.long_files, SPEC, "\n" * 401, "\n" * 400),
    Planted(shape.long_files, TOKEN, "\n" * 401, "\n" * 400),
    Planted(shape.long_functions, SPEC, python_function(51), python_function(50)),
    Planted(shape.long_functions, TEST, "async " + python_function(51), python_function(50)),
    Planted(shape.long_functions, TOKEN, solidity_function(51), solidity_function(50)),
    Planted(shape.missing_docstrings, APP, "def shown():\n    pass", "def _shown():\n    pass"),
    Planted(shape.missing_docstrings, APP, "def a():\n    1", 'def a():\n    """A."""'),
    Planted(
        shape.missing_docstrings,
        APP,
        'class A:\n    """A."""\n    def b(self):\n        1',
        'class A:\n    """A."""\n    def _b(self):\n        1\n    def __len__(self):\n        1',
    ),
    Planted(shape.missing_docstrings, APP, "class A:\n    b = 1", "class _A:\n    b = 1"),
    Planted(conduct.clocks_and_dice, SPEC, "import time", "import math"),
    Planted(conduct.clocks_and_dice, LEARNING, "from random import choice", "import timeit"),
    Planted(conduct.clocks_and_dice, SPEC, "datetime.datetime.now()", "terms.opens_at(now)"),
    Planted(conduct.clocks_and_dice, LEARNING, "np.random.rand(3)", "np.random.default_rng(7)"),
    Planted(conduct.clocks_and_dice, LEARNING, "np.random.default_rng()", "generator.random()"),
    Planted(conduct.foreign_imports, SPEC, "import numpy as np", "import dag_cbor"),
    Planted(conduct.foreign_imports, SPEC, "from web3.types import X", "from sheaf import a"),
    Planted(conduct.runs_data, APP, "import pickle", "import json"),
    Planted(conduct.runs_data, APP, "from torch import load", "from torch import nn"),
    Planted(conduct.runs_data, APP, "eval(text)", "module.eval()"),
    Planted(conduct.runs_data, APP, "torch.load(file)", "safetensors.load(file)"),
    Planted(conduct.runs_data, APP, "run(line, shell=True)", "run(line, shell=False)"),
    Planted(conduct.runs_data, APP, "np.load(f, allow_pickle=True)", "np.load(f)"),
    Planted(conduct.mocks, TEST, "from unittest import mock", "from unittest import TestCase"),
    Planted(conduct.mocks, TEST, "import unittest.mock", "import pytest"),
    Planted(conduct.sleeping_tests, TEST, "time.sleep(1)", "clock.advance(1)"),
    Planted(conduct.excuses, TEST, "pytest.skip()", "pytest.skip('no torch here')"),
    Planted(
        conduct.excuses, TEST, "@pytest.mark.skip\ndef f(): ...", "@pytest.fixture\ndef f(): 1"
    ),
    Planted(conduct.excuses, TEST, "pytest.mark.xfail()", "pytest.mark.xfail(reason='bug 7')"),
    Planted(conduct.excuses, TEST, "pytest.mark.skipif(a)", "pytest.mark.skipif(a, reason='b')"),
    Planted(conduct.excuses, TEST, "pytest.mark.skip(reason='')", "pytest.raises(E)"),
    Planted(conduct.assertionless_tests, TEST, "def test_a():\n    f()", "def a():\n    f()"),
    Planted(conduct.excuses, TEST, "from pytest import skip", "from pytest import raises"),
    Planted(conduct.excuses, TEST, "from pytest import mark as m", "from pytest import fixture"),
    Planted(conduct.assertionless_tests, TEST, "def test_a(): f()", "def test_a(): check_f()"),
    Planted(conduct.assertionless_tests, TEST, "async def test_a(): f()", "async def a(): f()"),
    Planted(conduct.assertionless_tests, TEST, "def test_a(): f()", "def test_a(): assert f()"),
    Planted(notebooks.kept_outputs, NOTEBOOK, notebook('["a"]', "null"), notebook("[]", "null")),
    Planted(notebooks.kept_outputs, NOTEBOOK, notebook("[]", "7"), notebook("[]", "null")),
    Planted(conduct.people, TEST, "al" + "ice = 1", "malice = bobbin = 1"),
    Planted(conduct.people, TOKEN, "address B" + "ob;", "address bobbin;"),
    Planted(conduct.leftovers, SPEC, "# TO" + "DO later", "# to do so"),
    Planted(conduct.leftovers, TOKEN, "// FIX" + "ME", "// fixed"),
    Planted(conduct.places, "README.md", "see /ho" + "me/me/sheaf", "see ./home/me, src/work/a"),
    Planted(conduct.places, "Makefile", "cp /wo" + "rk/a b", "cp $(HOME)/work/a b"),
    Planted(conduct.places, "pip.conf", "https://py" + "pi.org/simple", "https://ietf.org/rfc9162"),
    Planted(conduct.places, "lock.json", '"reso' + 'lved": "https://a"', '"resolved": true'),
]
NAMED = ["src/sheaf/utils.py", "src/sheaf/ledger/common/abi.py", "tests/helpers.py"]
NAMED += ["src/sheaf/nodes/manager.py", "contracts/src/VaultV2.sol", "src/sheaf/store/disk_new.py"]


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    return repository()


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p.check.__name__}-{p.bad[:20]}")
def test_a_check_sees_what_it_looks_for(planted: Planted) -> None:
    bad, clean = (textwrap.dedent(text) for text in (planted.bad, planted.clean))
    assert list(planted.check(Source(planted.path, bad)))
    assert list(planted.check(Source(planted.path, clean))) == []


@pytest.mark.parametrize("path", NAMED)
def test_a_name_that_says_nothing_is_seen(path: str) -> None:
    assert list(shape.empty_names(Source(path, "")))
    assert list(shape.empty_names(Source("src/sheaf/protocol/settlement.py", ""))) == []


def test_a_dead_module_is_seen() -> None:
    package = [
        Source("src/sheaf/apps/cli.py", "from sheaf.store import disk\nload('sheaf.nodes.late')"),
        Source("src/sheaf/store/__init__.py", ""),
        Source("src/sheaf/store/disk.py", "from .naming import place"),
        Source("src/sheaf/store/naming.py", ""),
        Source("src/sheaf/nodes/late.py", ""),
        Source("src/sheaf/store/tape.py", "import sheaf.store.disk"),
        Source("tests/store/test_tape.py", "from sheaf.store import tape"),
    ]
    dead = list(shape.dead_modules(package))
    assert [line.split(":")[0] for line in dead] == ["src/sheaf/store/tape.py"]


def test_the_repository_is_read(sources: list[Source]) -> None:
    paths = {source.path for source in sources}
    assert {"tests/test_tidy.py", "src/sheaf/__init__.py", "pyproject.toml"} <= paths
    assert not any("node_modules" in path or ".venv" in path for path in paths)


CHECKS = [shape.empty_names, *dict.fromkeys(planted.check for planted in PLANTED)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_repository_is_tidy(check: Check, sources: list[Source]) -> None:
    wrong = [f"{source.path}:{line}" for source in sources for line in check(source)]
    assert wrong == [], "\n" + "\n".join(wrong)


def test_no_module_is_dead(sources: list[Source]) -> None:
    dead = list(shape.dead_modules(sources))
    assert dead == [], "\n" + "\n".join(dead)
