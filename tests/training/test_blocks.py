"""Blocks of rows: each row is in exactly one block of one share."""

from __future__ import annotations

import pytest

from chainrule.training.blocks import block_rows, blocks, on_shares


@pytest.mark.parametrize("n_rows", [1, 199, 200, 201, 5000])
@pytest.mark.parametrize("n_threads", [1, 3, 100])
def test_shares_and_their_blocks_cover_each_row_once_in_order(n_rows, n_threads):
    def rows_of(start: int, stop: int) -> list[list[int]]:
        return [list(range(n_rows))[block] for block in blocks(start, stop, 200)]

    shares = on_shares(rows_of, n_rows, 200, n_threads)
    assert [row for share in shares for block in share for row in block] == list(range(n_rows))
    assert len(shares) <= n_threads
    assert all(len(block) == 200 for share in shares[:-1] for block in share)


def test_a_block_has_fewer_rows_where_rows_are_longer():
    assert block_rows(10, 8) > block_rows(20, 8) > block_rows(10**9, 8) > 0
