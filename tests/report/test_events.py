import json
import math

from embtune.report.events import EvalEvent, StepEvent, as_json, json_value


def test_a_step_has_exactly_the_keys_of_the_contract() -> None:
    event = StepEvent(3, 0.5, 0.7, {"mnrl": 0.7}, 2e-5, 1.2, 900, 450.0, 2.0, 1024)
    assert list(as_json(event)) == [
        "event", "step", "epoch", "loss", "losses", "learning_rate", "grad_norm", "tokens", "tokens_per_second",
        "seconds", "peak_memory_bytes", "counts", "padding",
    ]  # fmt: skip


def test_an_evaluation_has_a_flat_map_of_metrics() -> None:
    event = EvalEvent(0, 0.0, {"dev/ndcg@10": 0.5, "dev@64/ndcg@10": 0.4}, 1.5)
    assert as_json(event)["metrics"] == {"dev/ndcg@10": 0.5, "dev@64/ndcg@10": 0.4}


def test_numbers_that_json_has_no_word_for_are_null_at_any_depth() -> None:
    value = json_value({"a": math.nan, "b": [math.inf, 1.0, {"c": -math.inf}], "d": (True, None, "NaN")})
    assert json.dumps(value, allow_nan=False) == '{"a": null, "b": [null, 1.0, {"c": null}], "d": [true, null, "NaN"]}'
