"""What was released stays so, within bounds that others cannot use up."""

from dave.share_limits import RELEASES_MAX, RELEASES_UNSEEN_MAX
from dave.store.releases import Releases


def upload(n):
    return n.to_bytes(48, "big")


def test_of_too_many_the_oldest_go():
    releases = Releases()
    for n in range(RELEASES_MAX):
        releases.add(upload(n))
    releases.add(upload(0))  # again: it is the newest now
    releases.add(upload(RELEASES_MAX))
    assert upload(0) in releases
    assert upload(1) not in releases
    assert upload(2) in releases


def test_releases_of_nothing_push_out_none_that_counts():
    releases = Releases()
    releases.add(upload(1))
    releases.add(upload(2), was_here=False)
    for n in range(10, 10 + max(RELEASES_MAX, RELEASES_UNSEEN_MAX)):
        releases.add(upload(n), was_here=False)
    assert upload(1) in releases
    assert upload(2) not in releases
    releases.add(upload(1), was_here=False)  # told once more
    assert upload(1) in releases._seen
    assert upload(1) not in releases._unseen
