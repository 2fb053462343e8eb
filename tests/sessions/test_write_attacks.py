"""Everything a session might try to change the facility's data: none of it may succeed."""

from __future__ import annotations

from collections.abc import Callable

from tests.sessions.conftest import Running

ATTACKS = """
import ctypes, json, mmap, os, shutil, subprocess, sys
data = os.path.realpath(os.path.expanduser("~/data"))
first, nested = data + "/p1", data + "/p1/nested"
file = first + "/canary.txt"
libc = ctypes.CDLL(None, use_errno=True)
def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "refused")
def shared_memory():
    with open(file, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[0] = 88
def through_proc():
    fd = os.open(file, os.O_RDONLY)
    os.write(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), b"X")
def h5_append():
    import h5py
    h5py.File(first + "/new.h5", "a").close()
def run(*command):
    return lambda: subprocess.run(command, check=True, capture_output=True, timeout=20)
attacks = {
    "create": lambda: open(first + "/new", "w"),
    "overwrite": lambda: open(file, "w"),
    "append": lambda: open(file, "a"),
    "read-write": lambda: open(file, "r+"),
    "truncate": lambda: os.truncate(file, 0),
    "delete": lambda: os.unlink(file),
    "rename": lambda: os.rename(file, first + "/b.txt"),
    "move away": lambda: shutil.move(file, "/tmp/moved.txt"),
    "mkdir": lambda: os.mkdir(first + "/d"),
    "rmdir": lambda: os.rmdir(first + "/empty"),
    "chmod": lambda: os.chmod(file, 0o777),
    "chown": lambda: os.chown(file, os.getuid(), os.getgid()),
    "times": lambda: os.utime(file, (1, 1)),
    "symlink": lambda: os.symlink("/etc", first + "/link"),
    "hard link": lambda: os.link(file, first + "/hard"),
    "hard link out": lambda: os.link(file, os.path.expanduser("~/hard")),
    "fifo": lambda: os.mkfifo(first + "/fifo"),
    "unnamed file": lambda: os.open(first, os.O_TMPFILE | os.O_RDWR),
    "xattr": lambda: os.setxattr(file, "user.x", b"1"),
    "shared memory": shared_memory,
    "through proc": through_proc,
    "h5py append": h5_append,
    "beside the proposals": lambda: os.mkdir(data + "/other"),
    "below a mount": lambda: open(nested + "/new", "w"),
    "over a file below a mount": lambda: open(nested + "/below.txt", "w"),
    "remount": lambda: check(libc.mount(None, first.encode(), None, 0x20 | 0x1000, None)),
    "remount below": lambda: check(libc.mount(None, nested.encode(), None, 0x20 | 0x1000, None)),
    "mount over": lambda: check(libc.mount(b"tmpfs", first.encode(), b"tmpfs", 0, None)),
    "unmount": lambda: check(libc.umount2(first.encode(), 2)),
    "namespace": run("unshare", "--user", "--map-root-user", "--mount", "mount", "-o", "remount,rw,bind", first),
    "set-uid": run("su", "-c", "true"),
    "device": lambda: os.mknod("/tmp/disk", 0o600 | 0o060000, os.makedev(254, 0)),
}
succeeded = []
for name, attack in attacks.items():
    try:
        attack()
    except (OSError, subprocess.SubprocessError, shutil.Error):
        continue
    succeeded.append(name)
print(json.dumps({"tried": len(attacks), "succeeded": succeeded}))
"""


def test_no_write_attack_succeeds(running: Running, say: Callable[[str], None]) -> None:
    before = running.tree.checksum()
    done = running.people["alice"].asked(ATTACKS)
    # A local session of root's account may make device files and become itself; that is not the data.
    allowed = {"set-uid", "device"} if running.platform.kind == "local" else set()
    succeeded = set(done["succeeded"]) - allowed
    kind, tried = running.platform.kind, done["tried"] - len(allowed)
    say(f"write attacks, {kind}: {len(succeeded)} of {tried} succeeded, a nested mount included")
    assert succeeded == set()
    assert done["tried"] >= 30
    assert running.tree.checksum() == before
