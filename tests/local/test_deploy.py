"""Deploying into the emulator: once, again, after a change, and after what went wrong.

The assembly is a small one of the same form as the CDK's: one stack with data, one that imports from it.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra_cdk.local.deploy import Assembly, Deployment, zip_of
from infra_cdk.local.emulator import Emulator
from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.processes import free_ports

HANDLER = """
import os
import greeting
def handler(event, context):
    print("called")
    return {"greeting": greeting.TEXT, "to": os.environ["TO"], "bucket": os.environ["BUCKET"]}
"""

DATA: dict[str, Any] = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Queue": {"Type": "AWS::SQS::Queue"},
    },
    "Outputs": {
        "BucketName": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "bucket"}},
        "QueueUrl": {"Value": {"Ref": "Queue"}},
    },
}

WORK: dict[str, Any] = {
    "Parameters": {"To": {"Type": "String"}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ],
                }
            },
        },
        "Layer": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": {"S3Bucket": "assets", "S3Key": "layer.zip"}},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
                "Layers": [{"Ref": "Layer"}],
                "Handler": "probe.handler",
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"TO": {"Ref": "To"}, "BUCKET": {"Fn::ImportValue": "bucket"}}},
            },
        },
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "api",
                "ProtocolType": "HTTP",
                "CorsConfiguration": {"AllowOrigins": ["https://page.example"], "AllowMethods": ["GET"]},
            },
        },
    },
    "Outputs": {"FunctionName": {"Value": {"Ref": "Function"}}, "ApiId": {"Value": {"Ref": "Api"}}},
}


def write_assembly(folder: Path, data: dict[str, Any], work: dict[str, Any], text: str = "hello") -> Assembly:
    (folder / "layer" / "python" / "greeting").mkdir(parents=True, exist_ok=True)
    (folder / "layer" / "python" / "greeting" / "__init__.py").write_text(f"TEXT = {text!r}")
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "probe.py").write_text(HANDLER)
    (folder / "data.template.json").write_text(json.dumps(data))
    (folder / "work.template.json").write_text(json.dumps(work))

    def asset(path: str, packaging: str, key: str) -> dict[str, Any]:
        destination = {"bucketName": "assets", "objectKey": key}
        return {"source": {"path": path, "packaging": packaging}, "destinations": {"here": destination}}

    files = {
        "layer": asset("layer", "zip", "layer.zip"),
        "code": asset("code", "zip", "code.zip"),
        "template": asset("work.template.json", "file", "work.json"),
    }
    (folder / "work.assets.json").write_text(json.dumps({"files": files}))
    artifacts = {
        "work": stack("work.template.json", ["data", "work.assets"]),
        "work.assets": {"type": "cdk:asset-manifest", "properties": {"file": "work.assets.json"}},
        "data": stack("data.template.json", []),
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return Assembly(folder)


def stack(template: str, dependencies: list[str]) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": template},
        "dependencies": dependencies,
    }


@pytest.fixture(scope="module")
def one_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    emulator = Emulator(folder, free_ports(1)[0], folder)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(one_emulator: Emulator) -> Emulator:
    reset = urllib.request.Request(f"{one_emulator.clients.url}/_ministack/reset", method="POST")
    with urllib.request.urlopen(reset, timeout=10):
        return one_emulator


def changed(work: dict[str, Any], resource: str, **properties: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(work))
    copy["Resources"].setdefault(resource, {}).setdefault("Properties", {}).update(properties)
    return copy


def deploy(emulator: Emulator, assembly: Assembly, to: str = "you") -> dict[str, str]:
    return Deployment(emulator.clients, {"To": to, "Unasked": "x"}).deploy(assembly)


def call(emulator: Emulator, name: str) -> dict[str, str]:
    answer: dict[str, str] = json.loads(emulator.clients.functions.invoke(FunctionName=name)["Payload"].read())
    return answer


def test_functions_run_from_the_assets_with_parameters_and_imports(emulator: Emulator, tmp_path: Path) -> None:
    outputs = deploy(emulator, write_assembly(tmp_path / "assembly", DATA, WORK))
    answer = call(emulator, outputs["FunctionName"])
    assert answer == {"greeting": "hello", "to": "you", "bucket": outputs["BucketName"]}


def test_the_same_again_changes_nothing(emulator: Emulator, tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path / "assembly", DATA, WORK)
    outputs = deploy(emulator, assembly)
    before = emulator.clients.cloudformation.describe_stacks()["Stacks"]
    assert deploy(emulator, assembly) == outputs
    after = emulator.clients.cloudformation.describe_stacks()["Stacks"]
    assert [each.get("LastUpdatedTime") for each in after] == [each.get("LastUpdatedTime") for each in before]


def test_a_change_is_made_in_place_and_data_stay(emulator: Emulator, tmp_path: Path) -> None:
    outputs = deploy(emulator, write_assembly(tmp_path / "assembly", DATA, WORK))
    emulator.clients.s3.put_object(Bucket=outputs["BucketName"], Key="mine", Body=b"kept")
    longer = changed(WORK, "Function", Timeout=9)
    assert deploy(emulator, write_assembly(tmp_path / "assembly", DATA, longer), to="them") == outputs
    assert call(emulator, outputs["FunctionName"])["to"] == "them"
    assert emulator.clients.s3.get_object(Bucket=outputs["BucketName"], Key="mine")["Body"].read() == b"kept"


def test_new_code_is_what_runs(emulator: Emulator, tmp_path: Path) -> None:
    outputs = deploy(emulator, write_assembly(tmp_path / "assembly", DATA, WORK))
    call(emulator, outputs["FunctionName"])
    newer = json.loads(json.dumps(WORK).replace("layer.zip", "newer.zip"))
    assembly = write_assembly(tmp_path / "newer", DATA, newer, text="good day")
    manifest = tmp_path / "newer" / "work.assets.json"
    manifest.write_text(manifest.read_text().replace("layer.zip", "newer.zip"))
    assert call(emulator, deploy(emulator, assembly)["FunctionName"])["greeting"] == "good day"


def mark_failed(state: Any, name: str) -> None:
    if isinstance(state, dict):
        if state.get("StackName") == name and "StackStatus" in state:
            state["StackStatus"] = "UPDATE_FAILED"
        for each in state.values():
            mark_failed(each, name)


def test_a_stack_that_cannot_be_updated_is_made_anew(emulator: Emulator, tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path / "assembly", DATA, WORK)
    first = deploy(emulator, assembly)
    emulator.stop()
    snapshot = emulator.folder / "snapshot"
    lines = [line.partition(" ") for line in snapshot.read_text().splitlines()]
    states = {name: json.loads(text) for name, _, text in lines}
    mark_failed(states["cloudformation"], "work")
    snapshot.write_text("".join(f"{name} {json.dumps(state)}\n" for name, state in states.items()))
    emulator.start()
    outputs = deploy(emulator, assembly)
    assert outputs["BucketName"] == first["BucketName"]
    assert outputs["ApiId"] != first["ApiId"]
    assert call(emulator, outputs["FunctionName"])["greeting"] == "hello"


def test_a_stack_that_cannot_be_made_says_why(emulator: Emulator, tmp_path: Path) -> None:
    broken = changed(WORK, "Function", Code={"S3Bucket": "assets", "S3Key": "nowhere.zip"})
    broken["Resources"]["Wrong"] = {"Type": "AWS::RDS::DBProxy", "Properties": {}}
    with pytest.raises(LocalCloudError, match="DBProxy"):
        deploy(emulator, write_assembly(tmp_path / "assembly", DATA, broken))


def test_a_parameter_that_nobody_gives_is_named(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="'To'"):
        Deployment(emulator.clients, {}).deploy(write_assembly(tmp_path / "assembly", DATA, WORK))


def test_pages_may_call_the_api(emulator: Emulator, tmp_path: Path) -> None:
    outputs = deploy(emulator, write_assembly(tmp_path / "assembly", DATA, WORK))

    def preflight(origin: str) -> tuple[int, str | None]:
        request = urllib.request.Request(
            f"{emulator.clients.url}/_aws/execute-api/{outputs['ApiId']}/x",
            method="OPTIONS",
            headers={"Origin": origin, "Access-Control-Request-Method": "GET"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, response.headers["Access-Control-Allow-Origin"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    assert preflight("https://page.example") == (204, "https://page.example")
    assert preflight("https://other.example") == (403, None)


def test_a_zip_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = zip_of(tmp_path)
    time.sleep(0.01)
    (tmp_path / "a.py").write_text("1")
    assert zip_of(tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert zip_of(tmp_path) != before
