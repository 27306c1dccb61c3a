"""The text model at work: scores of one text, and what each sentence adds to them."""

from collections.abc import Sequence

import numpy as np

from triage.features import WORD_BITS, Array, Bag
from triage.linear import Floats
from triage.masking import Bags
from triage.model import Model

_CHARS_FROM = 1 << WORD_BITS


def text_scores(model: Model, bags: Bags, vector: Array) -> Floats:
    """The scores of a text in the columns of `signals.TEXT_OUTPUTS`."""
    hashed = _part(model, bags.words, model.word_idf, 0) + _part(model, bags.chars, model.char_idf, _CHARS_FROM)
    if model.built_on is None:
        return hashed + model.text.bias
    return hashed + vector.astype(np.float64) @ model.built_on.columns.astype(np.float64) + model.text.bias


def _part(model: Model, bag: Bag, idf: Array, offset: int) -> Floats:
    weights = (bag.weights * idf[bag.indices]).astype(np.float64)
    length = float(np.sqrt(weights @ weights))
    if length == 0:
        return np.zeros(len(model.text.bias))
    return np.asarray(weights @ model.text.at(bag.indices + offset).astype(np.float64) / length)


def added_by(model: Model, bags: Bags, columns: Sequence[int]) -> Floats:
    """What the n-grams of a passage weigh for some columns, longer passages more: not scaled to length 1."""
    total = np.zeros(len(columns))
    for bag, idf, offset in ((bags.words, model.word_idf, 0), (bags.chars, model.char_idf, _CHARS_FROM)):
        weights = (bag.weights * idf[bag.indices]).astype(np.float64)
        length = 1 + float(np.sqrt(weights @ weights))
        total += [float(weights @ model.text.at(bag.indices + offset, column)) / length for column in columns]
    return total
