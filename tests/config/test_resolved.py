"""Behaviour 13: the resolved config is re-runnable, loads back equal and gives itself back."""

from __future__ import annotations

from config_text import BASE, load
from hypothesis import given
from hypothesis import strategies as st

from embtune.config.dumping import escaped
from embtune.config.scalars import write_yaml
from embtune.config.words import BatchSampler, GradientCache, Pooling, Precision, SchedulerType

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10)
FLOATS = st.floats(1e-12, 1e12)
POSITIVE = st.integers(1, 10**9)
ROLES = st.sampled_from(["anchor", "positive", "negative", "negative_7", "query", "label"])
INTERVALS = st.none() | POSITIVE | st.floats(0, 1, exclude_min=True, exclude_max=True)
LOSSES = st.sampled_from(["cosent", "TripletLoss", "MultipleNegativesRankingLoss"]) | st.fixed_dictionaries(
    {"name": st.just("CoSENTLoss")},
    optional={"weight": FLOATS, "temperature": FLOATS, "similarity_fct": st.sampled_from(["dot", "cosine"])},
)


def words(enum: type[Pooling | Precision | BatchSampler | GradientCache | SchedulerType]) -> st.SearchStrategy[str]:
    return st.sampled_from([member.value for member in enum])


def section(**keys: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({}, optional=keys)


DATA_SET = st.fixed_dictionaries(
    {"path": TEXTS}, optional={"columns": st.dictionaries(ROLES, TEXTS, max_size=2), "weight": st.floats(1e-12, 1000)}
)
CONFIGS = st.fixed_dictionaries(
    {
        "output_dir": TEXTS,
        "model": st.fixed_dictionaries(
            {"name_or_path": TEXTS},
            optional={
                "max_seq_length": st.none() | POSITIVE | st.dictionaries(ROLES, POSITIVE, max_size=2),
                "pooling": words(Pooling),
                "normalize": st.sampled_from(["auto", True, False]),
                "prompts": st.dictionaries(TEXTS, TEXTS, max_size=2),
                "dropout": st.none() | st.floats(0, 0.9),
            },
        ),
        "data": st.fixed_dictionaries({"train": st.lists(DATA_SET, min_size=1, max_size=1)}),
        "loss": LOSSES | st.lists(LOSSES, min_size=1, max_size=3),
    },
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "modifiers": st.just([{"name": "MatryoshkaLoss", "dims": [8, 4]}]),
        "train": section(
            max_steps=POSITIVE,
            learning_rate=FLOATS,
            precision=words(Precision),
            batch_sampler=words(BatchSampler),
            gradient_cache=words(GradientCache),
            max_grad_norm=st.none() | FLOATS,
            lr_scheduler_type=words(SchedulerType),
        ),
        "eval": section(steps=INTERVALS, on_start=st.booleans()),
        "checkpoint": section(steps=INTERVALS, keep=st.none() | POSITIVE, best_metric=st.none() | TEXTS),
    },
)


@given(CONFIGS)
def test_a_resolved_config_loads_back_equal_and_gives_itself_back(values: dict[str, object]) -> None:
    first = load(write_yaml(escaped(values)))
    again = load(first.resolved_yaml())
    assert again.config == first.config
    assert again.resolved_yaml() == first.resolved_yaml()


def test_every_value_is_written_out() -> None:
    text = load(BASE).resolved_yaml()
    for line in ("batch_size: 64", "learning_rate: 2e-5", "scale: 20.0", "steps: 0.1", "revision: null"):
        assert f"{line}\n" in text


def test_a_temperature_comes_back_as_its_scale() -> None:
    loaded = load(BASE.replace("cosent", "{name: cosent, temperature: 0.05}"))
    assert "scale: 20.0\n" in loaded.resolved_yaml()
    assert "temperature" not in loaded.resolved_yaml().partition("\nloss:")[2]
    assert ("loss.scale", 20.0, "<stdin>:4") in loaded.origins()
