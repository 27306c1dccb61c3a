"""The learning itself, held to its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as sparse

from triage.fitting import Ridge, Unseen


@given(st.integers(6, 40), st.integers(0, 2**32 - 1), st.data())
def test_leaving_rows_out_afterwards_is_the_same_as_never_having_seen_them(
    count: int, seed: int, data: st.DataObject
) -> None:
    numbers = np.random.default_rng(seed)
    rows = csr_matrix(sparse(count, 50, density=0.3, random_state=numbers, dtype=np.float32))
    targets, importance = numbers.random((count, 3)), numbers.choice([0.5, 1.0], count)
    left_out = np.zeros(count, dtype=bool)
    left_out[data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=count - 2).map(sorted))] = True
    dense = numbers.random((count, data.draw(st.sampled_from([0, 3])))).astype(np.float32)
    ridge, asked = Ridge(rows, dense), np.arange(count)
    use = np.flatnonzero(~left_out)
    never_seen = ridge.fit(use, targets[use], importance[use])
    seen = ridge.fit(asked, targets, importance)
    without = seen.dual_without(left_out)
    assert not without[left_out].any()
    said = ridge.products[:, use] @ never_seen.dual
    assert np.allclose(ridge.products @ without, said, atol=1e-4)
    assert np.allclose(
        Unseen(seen, targets, asked).scores(left_out, np.flatnonzero(left_out)), said[left_out], atol=1e-4
    )


def test_weights_of_columns_say_what_the_inner_products_say() -> None:
    numbers = np.random.default_rng(1)
    rows = csr_matrix(sparse(30, 50, density=0.3, random_state=numbers, dtype=np.float32))
    dense = numbers.normal(size=(30, 4)).astype(np.float32)
    ridge, use = Ridge(rows, dense), np.arange(20)
    solved = ridge.fit(use, numbers.random((20, 2)), np.ones(20))
    dual = np.zeros((30, 2), dtype=np.float32)
    dual[use] = solved.dual
    weights, bias = ridge.primal(dual)
    columns = np.concatenate([rows.toarray(), dense], axis=1)
    assert np.allclose(columns @ weights + bias, ridge.products[:, use] @ solved.dual, atol=1e-4)


def test_rows_that_were_never_among_those_fitted_can_be_asked_for_too() -> None:
    numbers = np.random.default_rng(2)
    rows = csr_matrix(sparse(30, 50, density=0.3, random_state=numbers, dtype=np.float32))
    targets, ridge, use = numbers.random((30, 2)), Ridge(rows), np.arange(20)
    left_out = np.isin(use, [3, 7, 8])
    rest = np.flatnonzero(~left_out)
    never_seen = ridge.fit(rest, targets[rest], np.ones(len(rest)))
    asked = np.array([25, 7, 29])
    scores = Unseen(ridge.fit(use, targets[use], np.ones(20)), targets[use], np.arange(30)).scores(left_out, asked)
    assert np.allclose(scores, ridge.products[np.ix_(asked, rest)] @ never_seen.dual, atol=1e-4)
