"""JUnit XML as Jenkins, GitLab and Azure Pipelines read it: a suite for each file, a failure for each finding.

Source: the schema of Jenkins' xUnit plugin (junit-10.xsd). There is no standard; what is written here is what all
readers take. CI systems know a test again by class name and name, so those hold no line numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dockerlayer.report.formats import Run
from dockerlayer.report.markup import HEAD, content, tag
from dockerlayer.report.place import told
from dockerlayer.report.record import FileRecord, Tally

STREAMS = False


def part(record: FileRecord, run: Run) -> str:
    """The suite of one file; of a clean one with one test that passed."""
    path = run.root.path(record.path)
    findings = record.report.findings
    seen: Counter[str] = Counter()
    cases = []
    for finding in findings:
        seen[finding.rule] += 1
        number = seen[finding.rule]
        line, column = record.report.dockerfile.position(finding.start)
        failure = tag("failure", type=finding.severity.value, message=finding.message)
        text = content(f"{path}:{line}:{column}: {finding.rule}: {told(finding)}")
        name = finding.rule if number == 1 else f"{finding.rule} ({number})"
        cases.append(f"{tag('testcase', classname=path, name=name)}>{failure}>{text}</failure></testcase>\n")
    passed = f"{tag('testcase', classname=path, name='dockerlayer')}/>\n"
    return _suite(path, "".join(cases) or passed, max(len(findings), 1), len(findings), 0)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The document; a file that could not be checked is a suite with an error."""
    failed = []
    for path, message in errors:
        error = f"{tag('error', type='error', message=message)}/>"
        place = run.root.path(path)
        case = f"{tag('testcase', classname=place, name='dockerlayer')}>{error}</testcase>\n"
        failed.append(_suite(place, case, 1, 0, 1))
    clean = tally.files - tally.dirty
    head = tag(
        "testsuites",
        name="dockerlayer",
        tests=tally.problems + clean + len(errors),
        failures=tally.problems,
        errors=len(errors),
    )
    return f"{HEAD}{head}>\n{''.join(parts)}{''.join(failed)}</testsuites>\n"


def _suite(path: str, cases: str, tests: int, failures: int, errors: int) -> str:
    head = tag("testsuite", name=path, tests=tests, failures=failures, errors=errors)
    return f"{head}>\n{cases}</testsuite>\n"
