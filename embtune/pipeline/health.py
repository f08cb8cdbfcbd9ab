"""Whether a training is sick: it goes on and learns nothing. Each sign is told once in a run, with what to do about it.

All is read from what a step reports anyway. A sign has to last: a healthy run too has a step without a triplet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embtune.losses.objective import MAIN_TOWER
from embtune.train.loop import StepReport
from embtune.train.seeds import mix
from embtune.train.state import TrainState

_NO_GRADIENT = 1e-8  # AdamW's epsilon: where no number of the gradient is above it, weights all but stay
_COLLAPSED = 0.999  # mean cosine; models as they come have up to 0.99
_DECIDED = 1e-6  # of what chance costs: float32 holds no more
_SURE_AND_WRONG = 10.0  # times that
_FEWEST = 3  # steps, however short the run: two without a hard pair are no sign yet
_TOO_SOFT = 0.5  # of that, by embeddings without a fault


@dataclass(frozen=True)
class Sign:
    """One way to learn nothing.

    code: a stable word for scripts.
    patience: the steps that show it before it is told.
    shown: what a step shows of it, in words; None where it does not.
    advice: what it means, and what to do.
    in_a_row: a step that does not show it starts the count anew.
    """

    code: str
    patience: int
    shown: Callable[[StepReport], str | None]
    advice: str
    in_a_row: bool = True


def _no_rows_to_compare(report: StepReport) -> str | None:
    missing = ", ".join(name.replace("_", " ") for name in report.missing)
    return f"nothing to learn in this batch, it has no {missing}" if missing else None


def _no_gradient(report: StepReport) -> str | None:
    """Where the batch is known to hold nothing, that is the sign, and this is not."""
    if report.missing or not report.grad_norm < _NO_GRADIENT:
        return None
    idle = [name.replace("_", " ") for name, count in report.counts.items() if count == 0]
    return f"the gradient is 0{f' (no {idle[0]})' if idle else ''}, and the weights stay as they are"


def _one_embedding(report: StepReport) -> str | None:
    for tower, cosine in report.vitals.cosines.items():
        if cosine > _COLLAPSED:
            whose = "" if tower == MAIN_TOWER else f" by the {tower} model"
            return f"all texts have nearly the same embedding{whose}, with a mean cosine of {cosine:.5f}"
    return None


def _hard_softmax(report: StepReport) -> str | None:
    for name, cost in report.vitals.costs.items():
        if cost < _DECIDED:
            return f"the softmax of {name} is decided: it costs 0 and leaves no gradient"
        if cost > _SURE_AND_WRONG and not _one_embedding(report):
            return f"the softmax of {name} is sure and wrong: it costs {cost:.0f} times what guessing would"
    return None


def _soft_softmax(report: StepReport) -> str | None:
    for name, least in report.vitals.least_costs.items():
        if least > _TOO_SOFT:
            return f"by embeddings without a fault, {name} would still cost {least:.0%} of what guessing does"
    return None


SIGNS = (
    Sign(
        "nothing-to-learn", 10, _no_rows_to_compare,
        "Raise train.batch_size, or set train.batch_sampler: group_by_label where the labels are classes.",
        in_a_row=False,
    ),
    Sign(
        "no-gradient", 10, _no_gradient,
        "At a loss of 0 all rows are as the loss wants them: harder negatives or a larger margin give it more to do. "
        "Else nothing that is trained reaches the loss, or train.precision: fp16 loses small gradients.",
    ),
    Sign(
        "collapsed", 20, _one_embedding,
        "The model tells nothing apart. Lower train.learning_rate and begin anew in another output_dir, with a loss "
        "that has negatives, or with more of them in a batch.",
    ),
    Sign(
        "saturated", 20, _hard_softmax,
        "The scale is too high (the temperature too low), or all negatives are too easy. With cosine a scale of 20 to "
        "100 is usual, a temperature of 0.05 to 0.01; negatives that are mined are harder.",
    ),
    Sign(
        "soft-scale", 1, _soft_softmax,
        "The scale is too low (the temperature too high) to tell texts apart. With cosine a scale of 20 to 100 is "
        "usual, a temperature of 0.05 to 0.01; the one is the inverse of the other.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Health:
    """What the steps of a run have shown so far; it is kept in the run's state, so that a resumed run warns no more.

    total_steps: of the run. A short one is told of earlier.
    """

    state: TrainState
    total_steps: int

    def told_by(self, report: StepReport) -> Iterator[tuple[str, str]]:
        """Code and text of what this step makes certain, and nothing before it did."""
        for sign in SIGNS:
            shown = sign.shown(report)
            count = self._counted(sign, report.dataset, shown is not None)
            if shown is not None and count >= self._patience(sign) and self.first(sign.code):
                so_far = f"; so it was in {count} steps{' in a row' if sign.in_a_row else ''}" if count > 1 else ""
                yield sign.code, f"step {report.step}: {shown}{so_far}. {sign.advice}"

    def first(self, code: str) -> bool:
        """Whether nobody was warned of it yet in this run; now somebody is."""
        if code in self.state.warned:
            return False
        self.state.warned.append(code)
        return True

    def _counted(self, sign: Sign, dataset: str, shows: bool) -> int:
        """Steps that showed it; sets of a mixture may have losses of their own, and are counted apart."""
        key = f"{sign.code} {mix(dataset):016x}"  # a name may be a variable's value, which no file is to hold
        count = self.state.signs.get(key, 0)
        self.state.signs[key] = count + 1 if shows else 0 if sign.in_a_row else count
        return self.state.signs[key]

    def _patience(self, sign: Sign) -> int:
        return min(sign.patience, max(_FEWEST, self.total_steps // 2))
