"""How feature_flags.py is tested: by a network in this process, in virtual time.

pytest examples/test_feature_flags.py
"""

import asyncio

import feature_flags
import pytest


@pytest.fixture
def net(dave_network):
    return dave_network(nodes=5, seed=1)


async def test_who_follows_sees_each_change(net):
    seen = []
    async with net.connect(key=net.key()) as owner, net.connect() as reader:
        uri = await feature_flags.publish(owner, {"limit": 20})
        following = asyncio.create_task(feature_flags.follow(reader, uri, seen.append))
        await asyncio.sleep(1)
        await feature_flags.publish(owner, {"dark_mode": True})
        await asyncio.sleep(1)
        following.cancel()
    assert [(flags["limit"], flags["dark_mode"]) for flags in seen] == [
        (10, False),  # the defaults, before anybody has answered
        (20, False),
        (20, True),
    ]


async def test_without_a_network_there_are_the_defaults(net):
    seen = []
    async with net.connect(key=net.key()) as owner, net.connect() as reader:
        uri = await feature_flags.publish(owner, {"limit": 20})
        net.partition([reader])
        following = asyncio.create_task(feature_flags.follow(reader, uri, seen.append))
        await asyncio.sleep(600)
        assert seen == [feature_flags.DEFAULTS]
        net.heal()
        await asyncio.sleep(60)
        assert seen[-1]["limit"] == 20
        following.cancel()


def test_flags_of_another_type_are_left_out():
    assert feature_flags.merged(b'{"limit": "many", "new": 1}') == feature_flags.DEFAULTS


async def test_flags_survive_that_nodes_die(net):
    async with net.connect(key=net.key()) as owner:
        await feature_flags.publish(owner, {"motto": "still here"})
        for node in net.nodes[:2]:
            net.crash(node)
        assert b"still here" in (await owner.get("flags")).value
