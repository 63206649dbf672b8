"""The harness for plugin authors: the contract of a plugin, cases as folders, and the laws of every rewrite."""

from dockerlayer.testing.cases import (
    EXPECTED,
    NOTHING_FOUND,
    SETTINGS,
    Case,
    CaseResult,
    cases,
    check_fix,
    check_noop,
    run_case,
)
from dockerlayer.testing.contract import check_plugin
from dockerlayer.testing.laws import assert_converging, assert_guarded, assert_idempotent, assert_lossless

__all__ = [
    "EXPECTED",
    "NOTHING_FOUND",
    "SETTINGS",
    "Case",
    "CaseResult",
    "assert_converging",
    "assert_guarded",
    "assert_idempotent",
    "assert_lossless",
    "cases",
    "check_fix",
    "check_noop",
    "check_plugin",
    "run_case",
]
