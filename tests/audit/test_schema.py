"""The report's object is what its published schema says, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from sheaf.audit.dossier import dossier, short, text
from sheaf.audit.writing import schema
from tests.audit.staging import Pageant, pageant, played, task_of
from tests.audit.trials import argued


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return dossier(*played(pageant(5, 3, 4, receipts=True)))


@pytest.fixture(scope="module")
def validator() -> Any:
    published = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(published)
    return jsonschema.Draft202012Validator(published)


def test_a_report_is_what_the_schema_says(made: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors(json.loads(text(made)))) == []
    assert list(validator.iter_errors(short(made))) == []


def test_an_object_names_its_schema_by_its_version(made: dict[str, Any]) -> None:
    assert json.loads(schema())["$id"] == f"urn:sheaf:audit:{made['version']}"


def test_a_report_of_disputes_is_what_the_schema_says(validator: Any) -> None:
    found = dossier(*argued())
    assert found["disputes"]
    assert list(validator.iter_errors(json.loads(text(found)))) == []


def test_a_report_of_a_task_that_runs_is_what_the_schema_says(validator: Any) -> None:
    running = Pageant(task_of(5, 3, 4), 5)
    running.begin()
    running.updates()
    found = dossier(*played(running))
    assert found["task"]["status"] == "running"
    assert list(validator.iter_errors(json.loads(text(found)))) == []


def _objects(plain: Any) -> Iterator[dict[str, Any]]:
    """Every part of the schema that describes an object of known fields."""
    if isinstance(plain, dict):
        if isinstance(plain.get("properties"), dict) and "type" in plain:
            yield plain
        plain = list(plain.values())
    for each in plain if isinstance(plain, list) else ():
        yield from _objects(each)


def test_every_object_names_all_of_its_fields() -> None:
    found = list(_objects(json.loads(schema())))
    assert len(found) > 30
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


@pytest.mark.parametrize(
    "where", [(), ("task",), ("rounds", 0, "contributions"), ("money", "flows", 0)]
)
def test_a_field_more_or_less_is_refused(
    made: dict[str, Any], validator: Any, where: tuple[str | int, ...]
) -> None:
    changed = copy.deepcopy(made)
    found: Any = changed
    for step in where:
        found = found[step]
    found["foreign"] = 1
    assert list(validator.iter_errors(changed))
    del found["foreign"]
    assert list(validator.iter_errors(changed)) == []
    del found[next(iter(found))]
    assert list(validator.iter_errors(changed))
