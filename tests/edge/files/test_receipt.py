"""What the put of a file says for itself."""

import io
import random

import dave


def test_a_receipt_of_a_file_is_a_receipt(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as client:
        told = []
        data = random.Random(1).randbytes(3_000_000)
        receipt = client.put_file("k", io.BytesIO(data), ttl=3600, progress=told.append)
        assert (receipt.stored, receipt.asked, receipt.refused) == (1, 1, [])
        assert (receipt.size, receipt.is_private, receipt.ttl) == (len(data), False, 3600)
        file = receipt.file
        assert (file.nodes, file.spare, str(file.code)) == (1, 0, "1/1")
        assert (file.stripes, file.reused) == (12, 0), "a block each, and their rows fit the root"
        assert receipt.work_hashes > file.hashes > 0
        assert told[0].done == 0
        assert told[-1].done == len(data)
        assert told[-1].sent <= file.sent < 3_010_000
        assert receipt.settled().uri == receipt.uri
