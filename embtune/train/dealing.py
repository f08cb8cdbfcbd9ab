"""Work dealt to the processes of a run: what is longest first, and to and fro, so that all get about the same of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embtune.world import World


def dealt(costs: np.ndarray, world: World) -> NDArray[np.int64]:
    """Which of the things are this process's, the dearest first.

    Every process deals alike and takes its own: 0 1 2 2 1 0 0 1 2 ... of the things in falling order of cost. The first
    process has one wherever there is any.

    Args:
        costs: (N,) of each thing, in any unit.
    """
    order = np.argsort(-costs, kind="stable")
    place = np.arange(len(order))
    there, back = place % world.size, world.size - 1 - place % world.size
    mine: NDArray[np.int64] = order[np.where(place // world.size % 2 == 0, there, back) == world.rank]
    return mine
