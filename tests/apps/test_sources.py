"""Where settings come from, which one counts, and which one a message names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.apps.config import load
from sheaf.protocol.errors import InvalidConfiguration
from tests.apps.projects import write
from tests.apps.test_configuration import refused


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = write(tmp_path, {}) / "sheaf.toml"
    plain = load(tmp_path, {}, {})
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load(tmp_path, {}, {}) == plain


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "sheaf.toml").write_text("[task\nname = 1", encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match=r"sheaf.toml: found .*line 1.*accepted: TOML"):
        load(tmp_path, {}, {})
    for content in (b"\xff\xfe", b"[task]\nname = " + b"9" * 5000):
        (tmp_path / "sheaf.toml").write_bytes(content)
        with pytest.raises(InvalidConfiguration, match=r"sheaf.toml: found .*accepted: TOML"):
            load(tmp_path, {}, {})


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="found no such file") as caught:
        load(tmp_path, {}, {})
    assert "sheaf new" in caught.value.hint


def test_flag_over_environment_over_project_over_user(tmp_path: Path) -> None:
    user = tmp_path / "config"
    (user / "sheaf").mkdir(parents=True)
    text = "[algorithm]\nseed = 4\nepochs = 4\nbatch_size = 4\nthreads = 4\n"
    (user / "sheaf" / "config.toml").write_text(text, encoding="utf-8")
    keys = ("seed", "epochs", "batch_size")
    folder = write(tmp_path, {f"algorithm.{key}": "3" for key in keys})
    environment = {
        "XDG_CONFIG_HOME": str(user),
        "SHEAF_ALGORITHM__SEED": "2",
        "SHEAF_ALGORITHM__EPOCHS": "2",
    }
    found = load(folder, {"algorithm.seed": 1}, environment).algorithm
    assert (found.seed, found.epochs, found.batch_size, found.threads) == (1, 2, 3, 4)


def test_a_message_names_the_source_that_counts(tmp_path: Path) -> None:
    user = tmp_path / ".config" / "sheaf" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("[resources]\ngpus = -1\n", encoding="utf-8")
    home = {"HOME": str(tmp_path)}
    assert refused(tmp_path, {}, {}, home).message.startswith(f"{user}: resources.gpus: found -1")
    variable = home | {"SHEAF_RESOURCES__GPUS": "-2"}
    error = refused(tmp_path, {}, {}, variable)
    assert error.message.startswith("SHEAF_RESOURCES__GPUS: resources.gpus: found -2")
    error = refused(tmp_path, {}, {"resources.gpus": -3}, variable)
    assert error.message.startswith("--gpus: resources.gpus: found -3")


def test_an_unknown_variable_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, {}, {}, {"SHEAF_ROUND__GAOL": "3"})
    assert error.message.startswith("SHEAF_ROUND__GAOL: round.gaol: found an unknown key")


def test_variables_say_what_the_file_would(tmp_path: Path) -> None:
    folder = write(tmp_path, {})
    environment = {
        "SHEAF_TASK__NAME": "7",
        "SHEAF_REWARD__ROUND": "12.5",
        "SHEAF_STAKE__PARTICIPANT": "30",
        "SHEAF_ROUND__ADVERSARY": "[1, 3]",
        "SHEAF_ALGORITHM__OPTIONS__LR": "0.05",
        "SHEAF_ALGORITHM__OPTIONS__NESTEROV": "true",
        "SHEAF_DEBUG": "1",
    }
    found = load(folder, {}, environment)
    assert found.name == "7"
    assert found.economics.round_reward == 12_500_000
    assert found.economics.participant_stake == 30 * 10**18
    assert found.committee.adversary == (1, 3)
    assert found.algorithm.options == {"lr": [1, 20], "nesterov": True}


def test_the_file_itself_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "sheaf.toml").rename(tmp_path / "other.toml")
    assert load(tmp_path / "other.toml", {}, {}).folder == tmp_path
    (tmp_path / "other.toml").write_text("[task]\nname = 1", encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match=r"other\.toml: task.name: found 1"):
        load(tmp_path / "other.toml", {}, {})
