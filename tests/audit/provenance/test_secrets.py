"""No secret and no row of anybody's data is in what is written about a run."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from sheaf.nodes.trail import Trail
from tests.audit.provenance.scene import Scene
from tests.nodes.plans import PROJECT
from tests.nodes.project.task import data, holdout


@pytest.fixture(params=["honest", "rough"])
def scene(request: pytest.FixtureRequest) -> Scene:
    found: Scene = request.getfixturevalue(request.param)
    return found


def contents(scene: Scene) -> bytes:
    """All that is written, and what is packed in it."""
    document = json.loads(scene.statement)["predicate"]["task"]["bytes"]
    return b"\n".join([*scene.papers.values(), base64.b64decode(document)]).lower()


def forms(secret: bytes) -> Iterator[bytes]:
    """How bytes may stand in a text, in lower case."""
    number = int.from_bytes(secret, "big")
    for text in (secret.hex(), base64.b64encode(secret).decode().rstrip("="), str(number)):
        yield text.encode().lower()
    yield secret.lower()


def found(secret: bytes, text: bytes) -> bool:
    return any(form in text for form in forms(secret))


def keys(scene: Scene) -> Iterator[bytes]:
    """What nodes sign with, and what they derive nonces and salts from."""
    for node in scene.played.cast.nodes:
        yield node.account.key
        yield node.account.secrets.key


def unopened(scene: Scene) -> Iterator[bytes]:
    """Salts of commitments that nobody opened."""
    trail: Trail = scene.evidence.trail
    nodes = {node.account.address: node for node in scene.played.cast.nodes}
    for number, played in trail.rounds.items():
        for position, commit in played.commits.items():
            if position not in played.reveals:
                yield nodes[commit.account].account.secrets.derive("update", trail.task, number)


def rows() -> Iterator[tuple[bytes, list[str]]]:
    """Samples as float32 bytes, and as the numbers of a text."""
    sets = [data(index, 4)[0] for index in range(4)] + [holdout()[0]]
    for row in (row for samples in sets for row in samples):
        yield row.tobytes(), [f"{float(value):.6f}" for value in row]


def test_the_search_finds_what_is_there(scene: Scene) -> None:
    text = contents(scene)
    final = bytes.fromhex(scene.lineage.final.tree_root)
    assert found(final, text)
    assert found(scene.evidence.task.model.bundle, text)
    assert found(final, base64.b64encode(final).lower())
    assert not found(bytes(range(32)), text)


def test_no_key_is_told(scene: Scene) -> None:
    text, planted = contents(scene), list(keys(scene))
    assert len(planted) >= 16
    assert [secret for secret in planted if found(secret, text)] == []


def test_no_salt_that_stayed_closed_is_told(rough: Scene) -> None:
    (salt,) = unopened(rough)
    assert not found(salt, contents(rough))


def test_no_row_of_data_is_told(scene: Scene) -> None:
    text, count = contents(scene), 0
    for raw, numbers in rows():
        assert not found(raw, text)
        assert not any(number.encode() in text for number in numbers)
        count += 1
    assert count >= 80 + 3 * 40


def test_no_place_on_the_machine_is_told(scene: Scene) -> None:
    text = contents(scene)
    for place in (PROJECT, scene.played.directory, scene.played.directory.parent):
        assert str(place).lower().encode() not in text
