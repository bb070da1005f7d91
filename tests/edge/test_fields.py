"""What --json and HTTP say of receipts and names is one."""

import asyncio
from io import BytesIO

import dave
from dave.edge.fields import key_text, name_fields, receipt_fields
from dave.edge.receipt import Name
from dave.uri import owner_name


def test_a_receipt(node):
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d:
        receipt = d.put(b"\xffk", b"v", ttl=60, listed=False).settled()
    fields = receipt_fields(receipt)
    assert (fields["owner"], fields["key"]) == (key.name, "\\xffk")
    assert fields["uri"].endswith("/%FFk")
    assert (fields["stored"], fields["asked"], fields["refused"]) == (1, 1, [])
    assert fields["digest"] == receipt.digest.hex()
    assert "code" not in fields


def test_a_file_says_more(node, tmp_path):
    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            receipt = await d.put_file(
                "file", BytesIO(bytes(range(256)) * 1000), uploads=tmp_path, ttl=60, listed=False
            )
            return receipt_fields(receipt)

    fields = asyncio.run(story())
    assert (fields["size"], fields["code"], fields["private"]) == (256_000, "1/1", False)
    assert fields["parts"] == 1


def test_a_name():
    name = Name(bytes(32), b"k", 5, 77, 1000.0)
    assert name_fields(name, 990.5) == {
        "uri": name.uri, "owner": owner_name(bytes(32)), "key": "k", "size": 5, "time": 77,
        "written": 0.0, "expires": 1000.0, "seconds_left": 9.5,
    }  # fmt: skip
    assert key_text(b"a\xff\n") == "a\\xff\n"
