"""Nothing secret is in what an auditor takes home: keys, what derives nonces, salts that are not
revealed, rows of data."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sheaf.apps.cli.reporting import write_report
from sheaf.audit.writing import MAP, OBJECT, PAGE, rendered
from sheaf.nodes.accounts import development_account
from sheaf.nodes.verification import examine
from tests.audit.staging import Pageant, digest, played, task_of
from tests.nodes.project.task import data
from tests.nodes.stage import Played


@pytest.fixture(scope="module")
def written(honest: Played, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a real run's report, by name."""
    folder = tmp_path_factory.mktemp("audit") / "report"
    _, said = write_report(*examine(honest.directory), "run", folder)
    paths = [Path(name) for name in said["files"]]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def test_a_verified_run_is_written_whole(written: dict[str, str], honest: Played) -> None:
    assert sorted(written) == sorted([PAGE, OBJECT, MAP])
    made = json.loads(written[OBJECT])
    assert made["verification"]["head"] == honest.summary["head"]
    assert made["totals"]["settled"] == 2
    earned = {
        actor["address"]: int(reward) + int(fee)
        for actor, reward, fee in zip(
            made["actors"],
            made["money"]["accounts"]["reward"],
            made["money"]["accounts"]["fee"],
            strict=True,
        )
    }
    assert {a: units for a, units in earned.items() if units} == honest.summary["payouts"]
    # The summary's rows name what people ask for, and sum up the rest with it.
    gas = [sum(found["gas"].values()) for found in made["rounds"]]
    assert gas == [row["gas"]["total"] for row in honest.summary["rounds"]]
    assert sum(gas) + made["totals"]["setup_gas"] < made["totals"]["gas"]


def forms(secret: bytes) -> Iterator[str]:
    """How bytes may stand in text: whole, or the part that a cut would leave."""
    yield secret.hex()
    yield secret.hex()[:16]
    yield base64.b64encode(secret).decode()[:16]
    yield str(int.from_bytes(secret, "big"))


def found_in(content: str, secrets: list[bytes]) -> list[str]:
    return [form for secret in secrets for form in forms(secret) if form in content]


def test_no_key_and_no_secret_is_in_any_file(written: dict[str, str], honest: Played) -> None:
    names = honest.summary["accounts"].values()
    seed = 7  # of the plan's algorithm, which development accounts are derived from
    accounts = [development_account(seed, name) for name in names]
    secrets = [account.key for account in accounts]
    secrets += [account.secrets.key for account in accounts]
    addresses = {account.address.hex() for account in accounts}
    assert {a[2:].lower() for a in honest.summary["accounts"]} == addresses  # these are theirs
    for name, content in written.items():
        assert found_in(content, secrets) == [], name


def test_no_row_of_data_is_in_any_file(written: dict[str, str]) -> None:
    values = [float(x) for index in range(4) for x in data(index, 4)[0].ravel()]
    for name, content in written.items():
        assert [v for v in values if f"{v:.6g}" in content] == [], name
    rows = [np.asarray(row, "<f4").tobytes() for row in data(0, 4)[0]]
    assert found_in("".join(written.values()), rows) == []


def test_a_salt_that_is_not_revealed_is_in_no_file() -> None:
    made = Pageant(task_of(4, 1), 4, lambda round, number: "reveal" if number == 2 else "")
    made.begin()
    made.updates()
    kept, shown = (digest("salt", 1, made.people[number]) for number in (2, 1))
    files = rendered(*played(made))
    assert found_in("".join(files.values()), [kept]) == []
    # The salts of those who revealed are on the ledger; the report has no use for them.
    assert found_in("".join(files.values()), [shown]) == []


def test_a_planted_secret_would_be_found(tmp_path: Path) -> None:
    secret = digest("planted")
    for form in (secret.hex(), base64.b64encode(secret).decode()):
        assert found_in(f"so it says {form} here", [secret])
