"""Messages of a queue, as a client sees them that repeats its requests."""

import unittest

from botocore.exceptions import ClientError
from embedded import EmbeddedAWS

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


class Deletes(unittest.TestCase):
    """DeleteMessage, with each receipt handle that a client may have."""

    def setUp(self) -> None:
        self.sqs = aws.client("sqs")
        seen_at_once = {"VisibilityTimeout": "0"}
        self.url = self.sqs.create_queue(QueueName=self._testMethodName, Attributes=seen_at_once)["QueueUrl"]
        self.sqs.send_message(QueueUrl=self.url, MessageBody="m")

    def receive(self) -> str:
        return self.sqs.receive_message(QueueUrl=self.url)["Messages"][0]["ReceiptHandle"]

    def test_again(self) -> None:
        handle = self.receive()
        for _ in range(2):
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        self.assertNotIn("Messages", self.sqs.receive_message(QueueUrl=self.url))

    def test_an_older_handle_deletes_nothing(self) -> None:
        older, newer = self.receive(), self.receive()
        self.assertNotEqual(older, newer)
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=older)
        self.assertIn("Messages", self.sqs.receive_message(QueueUrl=self.url))

    def test_another_queues_handle_is_refused(self) -> None:
        other = self.sqs.create_queue(QueueName="other")["QueueUrl"]
        for handle in (self.receive(), "made-up"):
            with self.assertRaisesRegex(ClientError, "ReceiptHandleIsInvalid"):
                self.sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)


if __name__ == "__main__":
    unittest.main()
