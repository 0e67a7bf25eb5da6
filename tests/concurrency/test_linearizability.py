"""The checker of histories finds what it is there for."""

from .linearizability import Call, explanation_is_missing


def test_a_read_of_the_value_written_before_it_is_explained():
    assert explanation_is_missing([Call("write", "a", 1, 2), Call("read", "a", 3, 4)]) is None


def test_calls_at_the_same_time_may_come_in_any_order():
    calls = [Call("write", "a", 1, 9), Call("write", "b", 2, 8), Call("read", "a", 10, 11), Call("read", "b", 3, 4)]
    assert explanation_is_missing(calls) is None


def test_a_stale_read_is_not():
    calls = [Call("write", "a", 1, 2), Call("write", "b", 3, 4), Call("read", "a", 5, 6)]
    assert explanation_is_missing(calls)


def test_a_lost_write_and_a_returning_delete_are_not():
    assert explanation_is_missing([Call("write", "a", 1, 2), Call("read", None, 3, 4)])
    calls = [Call("write", "a", 1, 2), Call("remove", None, 3, 4), Call("read", "a", 5, 6)]
    assert explanation_is_missing(calls)


def test_of_two_conditional_creations_only_one_wins():
    calls = [Call("write", "a", 1, 5, expected=None), Call("write", "b", 2, 6, expected=None, ok=False)]
    assert explanation_is_missing(calls) is None
    calls[1].ok = True
    assert explanation_is_missing(calls)


def test_a_condition_on_a_value_holds_or_is_refused():
    calls = [Call("write", "a", 1, 2), Call("write", "b", 3, 4, expected="a")]
    assert explanation_is_missing(calls) is None
    calls.append(Call("write", "c", 5, 6, expected="a"))
    assert explanation_is_missing(calls)
    calls[-1].ok = False
    assert explanation_is_missing(calls) is None


def test_an_unanswered_write_may_happen_late_or_never_but_not_twice():
    calls = [Call("write", "a", 1, unknown=True), Call("read", None, 2, 3), Call("read", "a", 4, 5)]
    assert explanation_is_missing(calls) is None
    calls.append(Call("read", None, 6, 7))
    assert explanation_is_missing(calls)
