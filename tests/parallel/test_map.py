"""The same results in the same order, in turn or over processes, and no process that stays behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from mriparaspinal.core.errors import ParaspinalError
from mriparaspinal.parallel.map import aside, map_in_order
from tests.support.builders.study import wait_until


def square(number: int) -> int:
    return number * number


def who(_: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 37])
def test_order_and_progress(jobs, count):
    calls = []
    jobs = jobs if count < 37 else min(jobs, 3)
    assert list(map_in_order(square, range(count), jobs, lambda: calls.append(1))) == [
        n * n for n in range(count)
    ]
    assert len(calls) == count


def test_order_of_more_items_than_are_handed_over_ahead():
    assert list(map_in_order(square, range(5001), 2)) == [n * n for n in range(5001)]


def test_results_come_while_others_are_still_to_do():
    done = []
    results = map_in_order(done.append, range(3))
    next(results)
    assert done == [0]


def test_processes_begin_before_a_result_is_asked_for_and_end_where_nobody_wants_any(tmp_path):
    results = map_in_order(Path.touch, [tmp_path / name for name in "abcd"], 2)
    assert wait_until((tmp_path / "d").exists, 60)
    results.close()
    assert not multiprocessing.active_children()


def test_processes_end_where_nobody_wants_the_rest():
    results = map_in_order(who, range(1000), 2)
    process = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_one_job_stays_in_this_process():
    assert set(map_in_order(who, range(5), 1)) == {os.getpid()}
    assert set(map_in_order(who, range(1), 8)) == {os.getpid()}, "one item needs no second process"


def test_two_jobs_are_other_processes():
    assert os.getpid() not in map_in_order(who, range(8), 2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_function_raises_comes_through(jobs):
    with pytest.raises(ValueError, match="three"):
        list(map_in_order(refuse, range(10), jobs))


def test_a_process_that_is_killed_is_one_clear_line():
    with pytest.raises(ParaspinalError, match=r"^--jobs: .*killed; expected .*; try fewer") as caught:
        list(map_in_order(die, range(10), 2))
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def pid_and_doubles(hear):
    yield os.getpid()
    while number := hear():
        yield 2 * refuse(number)


def dies(hear):
    yield 1
    die(hear())


def sleeps(_):
    time.sleep(600)
    yield 1


def test_aside_is_another_process_that_hears_and_answers():
    with aside(pid_and_doubles) as (tell, answers):
        assert next(answers) != os.getpid()
        for number in (1, 2, 0):
            tell(number)
        assert list(answers) == [2, 4]


def test_what_is_raised_aside_is_raised_by_the_one_who_waits():
    with aside(pid_and_doubles) as (tell, answers):
        next(answers)
        for number in (1, 3):
            tell(number)
        assert next(answers) == 2
        with pytest.raises(ValueError, match="three"):
            next(answers)


def test_a_process_aside_that_is_killed_is_one_clear_line():
    with aside(dies) as (tell, answers):
        assert next(answers) == 1
        tell(3)
        with pytest.raises(ParaspinalError, match="one of 2 processes was killed"):
            next(answers)
        tell(4)  # nobody hears it: what matters was said


def test_a_process_aside_ends_with_the_block():
    with pytest.raises(KeyError), aside(sleeps):
        raise KeyError
    assert not multiprocessing.active_children()
