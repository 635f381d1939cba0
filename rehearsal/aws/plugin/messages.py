"""SQS: deleting a message again, or with an older receipt handle, is no error.

"You must provide the most recently received ReceiptHandle for the message (otherwise, the request succeeds, but the
message will not be deleted)", https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html.
MiniStack refuses it, and so a request that a client repeats.
"""

from ministack.services import sqs


def install() -> None:
    """Remember each queue's receipt handles, and let those that are used up pass."""
    receive, delete = sqs._HANDLERS["ReceiveMessage"], sqs._HANDLERS["DeleteMessage"]
    given: dict[str, set[str]] = {}

    def handles(data: dict, queue_url: str) -> set[str]:
        """Those of the queue that a request is for: its URL ends in the account and the name."""
        url = data.get("QueueUrl", queue_url)
        return given.setdefault("/".join(url.split("/")[-2:]), set())

    async def received(data: dict, queue_url: str) -> dict:
        answer = await receive(data, queue_url)
        handles(data, queue_url).update(message["ReceiptHandle"] for message in answer.get("Messages", []))
        return answer

    def deleted(data: dict, queue_url: str) -> dict:
        try:
            return delete(data, queue_url)
        except sqs._Err as problem:
            if problem.code == "ReceiptHandleIsInvalid" and data["ReceiptHandle"] in handles(data, queue_url):
                return {}
            raise

    sqs._HANDLERS["ReceiveMessage"] = received
    sqs._HANDLERS["DeleteMessage"] = deleted
