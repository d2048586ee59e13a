"""A project to change: the smallest `sheaf.toml`, with keys set or taken away."""

from __future__ import annotations

from pathlib import Path

SMALLEST = {
    "task.name": '"flowers"',
    "model.entry": '"task:model"',
    "data.entry": '"task:data"',
    "algorithm.loss": '"CrossEntropyLoss"',
    "round.participants": "5",
    "schedule.rounds": "10",
}


def write(folder: Path, settings: dict[str, str | None]) -> Path:
    """Write `sheaf.toml` into `folder`: dotted keys with TOML values, None taking a key away."""
    lines = {**SMALLEST, **settings}
    text = "\n".join(f"{key} = {value}" for key, value in lines.items() if value is not None)
    (folder / "sheaf.toml").write_text(text, encoding="utf-8")
    return folder
