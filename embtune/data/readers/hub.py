"""Datasets of the Hugging Face hub, streamed: `org/name`, `org/name:split`, `org/name/config:split`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embtune.data.row import RowMaker, Rows, refuse

_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(/(?P<config>[\w.-]+))?(:(?P<split>[\w.-]+))?")


@dataclass(frozen=True)
class HubDataset:
    """A dataset on the hub. `config` None is the dataset's only or default one."""

    id: str
    config: str | None
    split: str


def parse_hub_id(text: str) -> HubDataset | None:
    """The dataset a path may name; None where it cannot be one."""
    match = _HUB_ID.fullmatch(text)
    return HubDataset(match["id"], match["config"], match["split"] or "train") if match else None


def read_hub(dataset: HubDataset, name: str) -> Rows:
    """Rows of one split, numbered from 1, as they come over the network.

    Raises:
        ConfigError: the hub cannot be reached, or has no such dataset, config or split.
    """
    maker = RowMaker(name)
    with _hub_errors(name):
        from datasets import load_dataset

        rows = load_dataset(dataset.id, dataset.config, split=dataset.split, streaming=True)
        for number, values in enumerate(rows, start=1):
            yield maker.good(number, values)


@contextmanager
def _hub_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, OSError, ValueError, RuntimeError, LookupError) as error:
        # `datasets` raises a dozen types of its own, all of these kinds; each message names the cause.
        reason = " ".join(str(error).split()) or type(error).__name__
        message = f"no file {name!r} here, and no such dataset could be read from the Hugging Face hub: {reason[:300]}"
        hint = "write a path that exists, or org/name, org/name:split or org/name/config:split with the network up"
        refuse("hub-dataset", message, hint)
