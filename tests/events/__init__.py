"""Events as AWS sends them, recorded, and builders of batches of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def recorded(name: str) -> dict[str, Any]:
    """A recorded event."""
    event: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text())
    return event


def object_created(key: str, etag: str = "5d41402abc4b2a76b9719d911017c592", size: int = 5) -> str:
    """The bucket's event for an object, as it stands in a queue."""
    event = recorded("object_created")
    event["detail"]["object"] |= {"key": key, "etag": etag, "size": size}
    return json.dumps(event)


def sqs_batch(*bodies: str, receive_count: int = 1) -> dict[str, Any]:
    """A batch of SQS messages, as Lambda gets it; the n-th has the id ``message-n``."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": f"receipt-{number}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(receive_count),
                    "SentTimestamp": "1763640000000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1763640000001",
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:uploads",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies, 1)
        ]
    }


def failed_ids(answer: dict[str, Any]) -> Sequence[str]:
    """Which messages of a batch are to be delivered again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class RecordedContext:
    """What Lambda passes beside the event."""

    function_name = "function"
    function_version = "$LATEST"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:function"
    aws_request_id = "6f1c1d1e-0000-4000-8000-0000000000ff"
    log_group_name = "/aws/lambda/function"
    log_stream_name = "2026/11/20/[$LATEST]1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Plenty."""
        return 10_000
