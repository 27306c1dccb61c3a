"""A folder in memory is told from one on a disk."""

from pathlib import Path

import pytest

from store.volatile import lies_in_memory

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
udev /dev devtmpfs rw 0 0
tmpfs /srv tmpfs rw 0 0
/dev/sdb1 /srv/back\\040ups xfs rw 0 0
tmpfs /mnt tmpfs rw 0 0
/dev/sdc1 /mnt ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "in_memory"),
    [
        ("/var/backups", False),
        ("/dev/shm/backups", True),
        ("/dev/x", True),
        ("/srv", True),
        ("/srv/back ups/today", False),
        ("/mnt/x", False),
    ],
)
def test_the_nearest_mount_counts_and_of_one_place_the_last(tmp_path: Path, folder: str, in_memory: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert lies_in_memory(Path(folder), mounts) is in_memory
