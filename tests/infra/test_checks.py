"""cdk-nag, the CDK's own validation and cfn-lint find nothing that has no reason."""

import json
import re
import subprocess
import sys

from tests.infra.stages import Synthesised

ACCEPTED = (
    (
        r"AwsSolutions-IAM5\[Resource::.*/(originals|results|inbox|exports|imports)/\*\]",
        "objects are granted by the prefix of their key; tests/infra/test_grants.py says which to whom",
    ),
    (
        r"AwsSolutions-IAM5\[Resource::.*/POST/@connections/\*\]",
        "a connection's id is known when it is open",
    ),
)
"""Findings whose names hold generated ids, so that they cannot be accepted beside the part they are about."""

REDUNDANT_DEPENDENCIES = "W3005"
"""The CDK writes dependencies that references imply."""


def test_production_passes_every_check(production: Synthesised) -> None:
    plugins = {report["pluginName"] for report in production.report["pluginReports"]}
    assert "AwsSolutions" in plugins
    unaccepted = [
        (violation["ruleName"], [construct["constructPath"] for construct in violation["violatingConstructs"]])
        for report in production.report["pluginReports"]
        for violation in report["violations"]
        if not any(re.fullmatch(pattern, violation["ruleName"]) for pattern, _ in ACCEPTED)
    ]
    assert not unaccepted


def test_each_accepted_finding_has_a_reason(production: Synthesised) -> None:
    accepted = [
        (rule, reason)
        for path in production.folder.glob("*.metadata.json")
        for entries in json.loads(path.read_text(encoding="utf-8")).values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    ]
    assert len(accepted) > 10
    assert all(len(reason.split()) >= 5 for _, reason in accepted)


def test_local_passes_the_checks_of_the_cdk(local: Synthesised) -> None:
    assert [report["violations"] for report in local.report["pluginReports"] if report["violations"]] == []


def test_templates_are_clean(production: Synthesised) -> None:
    templates = [str(path) for path in sorted(production.folder.glob("*.template.json"))]
    assert len(templates) == 9
    linted = subprocess.run(
        [
            *(sys.executable, "-c", "from cfnlint.runner import main; main()"),
            *("--ignore-checks", REDUNDANT_DEPENDENCIES, "--", *templates),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stdout + linted.stderr
