"""Deploys a cloud assembly into the emulator with boto3 alone: no bootstrap, no CDK command line."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra_cdk.local.emulator import ACCOUNT, REGION, EmulatorClients
from infra_cdk.local.errors import LocalCloudError

STACK_TIMEOUT_S = 120
COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Asset:
    """A file or folder that the stacks take from a bucket."""

    source: Path
    zipped: bool
    bucket: str
    key: str


@dataclass(frozen=True)
class StackTemplate:
    """One stack of an assembly."""

    name: str
    text: str

    @property
    def content(self) -> dict[str, Any]:
        """The template, read."""
        content: dict[str, Any] = json.loads(self.text)
        return content

    @property
    def keeps_data(self) -> bool:
        """Whether deleting the stack would delete what users own."""
        kinds = {resource["Type"] for resource in self.content["Resources"].values()}
        return bool(kinds & {"AWS::S3::Bucket", "AWS::Cognito::UserPool"})


@dataclass(frozen=True)
class Assembly:
    """A folder that the CDK has synthesised."""

    folder: Path

    def _artifacts(self, kind: str) -> dict[str, dict[str, Any]]:
        artifacts = json.loads((self.folder / "manifest.json").read_text())["artifacts"]
        return {name: artifact for name, artifact in artifacts.items() if artifact["type"] == kind}

    def assets(self) -> Iterator[Asset]:
        """Everything to upload; templates are handed over as text instead."""
        for artifact in self._artifacts("cdk:asset-manifest").values():
            for file in json.loads((self.folder / artifact["properties"]["file"]).read_text())["files"].values():
                if file["source"]["path"].endswith(".template.json"):
                    continue
                for destination in file["destinations"].values():
                    yield Asset(
                        self.folder / file["source"]["path"],
                        file["source"]["packaging"] == "zip",
                        _resolved(destination["bucketName"]),
                        _resolved(destination["objectKey"]),
                    )

    def stacks(self) -> list[StackTemplate]:
        """The stacks, each after those that it imports from."""
        waiting = self._artifacts("aws:cloudformation:stack")
        ordered: list[StackTemplate] = []
        while waiting:
            ready = [n for n, artifact in waiting.items() if not set(artifact.get("dependencies", [])) & set(waiting)]
            if not ready:
                raise LocalCloudError(f"The stacks {sorted(waiting)} need one another")
            for name in ready:
                properties = waiting.pop(name)["properties"]
                text = (self.folder / properties["templateFile"]).read_text()
                ordered.append(StackTemplate(properties.get("stackName", name), text))
        return ordered


def _resolved(text: str) -> str:
    return text.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)


@dataclass(frozen=True)
class Deployment:
    """Puts an assembly's stacks into an emulator, and brings them up to date.

    Args:
        clients: Of the emulator.
        parameters: Values for CloudFormation parameters; each goes to the stacks that declare it.
    """

    clients: EmulatorClients
    parameters: Mapping[str, str]

    def deploy(self, assembly: Assembly) -> dict[str, str]:
        """Bring all stacks up to date and give back all their outputs.

        A stack that has not changed costs one call. One without data that cannot be updated is made anew.

        Raises:
            LocalCloudError: a stack cannot be made, or one with data cannot be brought up to date.
        """
        self._upload(assembly)
        outputs: dict[str, str] = {}
        stacks = assembly.stacks()
        for number, stack in enumerate(stacks):
            self._bring_up_to_date(stack, stacks[number + 1 :])
            outputs |= self._outputs(stack.name)
        return outputs

    def _upload(self, assembly: Assembly) -> None:
        s3 = self.clients.s3
        buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        for asset in assembly.assets():
            if asset.bucket not in buckets:
                s3.create_bucket(Bucket=asset.bucket)
                buckets.add(asset.bucket)
            if not s3.list_objects_v2(Bucket=asset.bucket, Prefix=asset.key, MaxKeys=1).get("Contents"):
                body = zip_of(asset.source) if asset.zipped else asset.source.read_bytes()
                s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=body)

    def _bring_up_to_date(self, stack: StackTemplate, later: Sequence[StackTemplate]) -> None:
        wanted = self._values(stack)
        fingerprint = hashlib.sha256(json.dumps([stack.text, wanted]).encode()).hexdigest()
        status, found = self._state(stack.name)
        if status in COMPLETE and found == fingerprint:
            return
        if status in COMPLETE or (status == ROLLED_BACK and stack.keeps_data):
            try:
                self._apply("update", stack, wanted, fingerprint)
                return
            except LocalCloudError:
                if stack.keeps_data:
                    raise
        elif stack.keeps_data and status.startswith("UPDATE"):
            raise LocalCloudError(
                f"The stack {stack.name} holds data and stands at {status}. Copy what you need from the data folder, "
                "then run `spheroseg reset`."
            )
        if status:
            for each in (*reversed(later), stack):
                self._delete(each)
        self._apply("create", stack, wanted, fingerprint)

    def _values(self, stack: StackTemplate) -> dict[str, str]:
        declared = stack.content.get("Parameters", {})
        missing = [n for n, each in declared.items() if "Default" not in each and n not in self.parameters]
        if missing:
            raise LocalCloudError(f"The stack {stack.name} wants parameters that nobody gives: {missing}")
        return {name: value for name, value in sorted(self.parameters.items()) if name in declared}

    def _apply(self, action: str, stack: StackTemplate, values: Mapping[str, str], fingerprint: str) -> None:
        cloudformation = self.clients.cloudformation
        change = cloudformation.create_stack if action == "create" else cloudformation.update_stack
        try:
            change(
                StackName=stack.name,
                # 51,200 bytes are taken at most, and the indentation of the assembly counts.
                TemplateBody=json.dumps(stack.content, separators=(",", ":")),
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
                Tags=[
                    {"Key": "fingerprint", "Value": fingerprint},
                    {"Key": "deployed-at", "Value": datetime.now(UTC).isoformat()},
                ],
            )
        except ClientError as error:
            raise LocalCloudError(f"The stack {stack.name} cannot be {action}d: {error}") from None
        status = self._settled(stack.name)
        if status not in COMPLETE:
            raise LocalCloudError(f"To {action} the stack {stack.name} ended as {status}: {self._reasons(stack.name)}")
        self._mend_cors(stack)

    def _delete(self, stack: StackTemplate) -> None:
        """Delete a stack without data, or one that was never made whole."""
        status, _ = self._state(stack.name)
        if stack.keeps_data and (status in COMPLETE or status.startswith("UPDATE")):
            raise LocalCloudError(f"The stack {stack.name} holds data and is not deleted")
        if status:
            self.clients.cloudformation.delete_stack(StackName=stack.name)
            if left := self._settled(stack.name):
                raise LocalCloudError(f"The stack {stack.name} cannot be deleted: {left}, {self._reasons(stack.name)}")

    def _state(self, name: str) -> tuple[str, str]:
        """Status and fingerprint of a stack; both empty if there is none."""
        try:
            stack = self.clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return "", ""
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return "", ""
        tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        return stack["StackStatus"], tags.get("fingerprint", "")

    def _settled(self, name: str) -> str:
        deadline = time.monotonic() + STACK_TIMEOUT_S
        while (status := self._state(name)[0]).endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise LocalCloudError(f"The stack {name} still stands at {status} after {STACK_TIMEOUT_S} s")
            time.sleep(0.02)
        return status

    def _reasons(self, name: str) -> str:
        events = self.clients.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
        return "; ".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed)

    def _outputs(self, name: str) -> dict[str, str]:
        stack = self.clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _mend_cors(self, stack: StackTemplate) -> None:
        """Give HTTP APIs their CORS rules again: the emulator keeps the template's under names that it then misses."""
        gateway = self.clients.gateway
        resources: dict[str, dict[str, Any]] = stack.content["Resources"]
        for name, resource in resources.items():
            rules = resource.get("Properties", {}).get("CorsConfiguration")
            if resource["Type"] == "AWS::ApiGatewayV2::Api" and rules:
                physical = self.clients.cloudformation.describe_stack_resource(
                    StackName=stack.name, LogicalResourceId=name
                )["StackResourceDetail"]["PhysicalResourceId"]
                gateway.update_api(ApiId=physical, CorsConfiguration=rules)


def zip_of(folder: Path) -> bytes:
    """A folder as a zip, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
