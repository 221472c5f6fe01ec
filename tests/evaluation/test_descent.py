"""The fits find what made their examples."""

from __future__ import annotations

from researcher_job.strategies.extractive.confidence import Signals
from tests.evaluation.descent import Choice, chosen, logistic
from tests.evaluation.fit import fitted, threshold


def test_what_the_right_rows_have_is_weighed_most() -> None:
    choices = [Choice([(1.0, n / 9), (0.0, 1 - n / 9)], [True, False]) for n in range(10)]
    telling, chance = chosen(choices, penalty=0.1)
    assert telling > 2
    assert abs(chance) < telling / 4


def test_a_heavier_choice_decides_between_two_that_contradict() -> None:
    rows = [(1.0,), (0.0,)]
    for weight, sign in ((3.0, 1), (1 / 3, -1)):
        choices = [Choice(rows, [True, False], weight), Choice(rows, [False, True])]
        assert chosen(choices, penalty=0.01)[0] * sign > 0


def test_choices_without_a_right_row_teach_nothing() -> None:
    choices = [Choice([(1.0,), (0.0,)], [True, False])]
    lost = Choice([(1.0,), (0.0,)], [False, False])
    assert chosen([*choices, lost], penalty=1.0) == chosen(choices, penalty=1.0)


def test_the_rarer_class_counts_as_much() -> None:
    rows = [(1.0,)] + [(0.0,)] * 9
    (weight,), intercept = logistic(rows, [True] + [False] * 9, penalty=0.01)
    assert intercept < 0 < intercept + weight
    assert abs(2 * intercept + weight) < 0.1


def test_models_look_at_the_signals_they_are_told() -> None:
    examples = [(Signals(pair=n / 9, own=1 - n / 9), n > 4) for n in range(10)]
    model = fitted(examples, ["pair"], penalty=5.0)
    assert model.weights.own == 0
    assert model.probability(Signals(pair=1)) > 0.6 > 0.4 > model.probability(Signals())
    declined = [model.probability(one) < threshold(model, examples) for one, is_ in examples if is_]
    assert sum(declined) == 0
