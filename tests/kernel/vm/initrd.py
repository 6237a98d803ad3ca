"""The first programs in the machine: a script in the initial file system, and one that follows it on the full one."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kernel.vm.cpio import archive
from kernel.vm.prepared import Prepared

#: Users of the guest alone. Alice sits at the machine: she is the active one of its seat. Eve is logged in from afar.
ALICE, EVE = 4001, 4002
_9P = "trans=virtio,version=9p2000.L,msize=512000"

_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
{load}
mount -t 9p -o ro,cache=loose,{options} root /lower || poweroff -f
mount -t tmpfs -o mode=755 tmpfs /upper
mkdir /upper/files /upper/work
mount -t 9p -o ro,cache=loose,{options} layer /layer || poweroff -f
mount -t overlay -o lowerdir=/layer:/lower,upperdir=/upper/files,workdir=/upper/work overlay /new || poweroff -f
for folder in dev proc sys; do mount -o move /$folder /new/$folder; done
mount -t tmpfs -o mode=755 tmpfs /new/run
mkdir -p /new/run/out /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /new/dev/shm
mount -t 9p -o cache=none,{options} out /new/run/out
# The interpreter and the checkout may lie in a home that is closed to other users; in here it is not.
{open}
ifconfig lo 127.0.0.1 up
exec switch_root /new /bin/sh /run/out/start
"""

_START = """# A machine that nobody waits for any more ends by itself.
(sleep {limit}; echo o >/proc/sysrq-trigger) </dev/null >/dev/null 2>&1 &
mkdir -m 1777 /run/tmp
for user in alice:{alice} eve:{eve}; do
  name=${{user%:*}} id=${{user#*:}}
  echo "$name:x:$id:$id::/run/home/$name:/bin/sh" >>/etc/passwd
  echo "$name:x:$id:" >>/etc/group
  mkdir -p /run/home/$name
  chown $id:$id /run/home/$name
done
mkdir -p /run/home/root /run/udev /run/systemd/seats
printf 'IS_SEAT0=1\\nCAN_MULTI_SESSION=1\\nACTIVE=1\\nACTIVE_UID={alice}\\n' >/run/systemd/seats/seat0
{environment}
cd {folder}
{command}
sync
echo o >/proc/sysrq-trigger
sleep 60
"""


def initrd(prepared: Prepared, opened: Sequence[Path]) -> bytes:
    """The initial file system. `opened`: folders that every user of the guest may pass."""
    modules = prepared.modules()
    through = sorted({parent for path in opened for parent in (path, *path.parents) if parent != Path("/")})
    init = _INIT.format(
        load="\n".join(f"insmod /modules/{name} || echo '{name} cannot be loaded'" for name in modules),
        options=_9P,
        open="\n".join(f"chmod a+rx {shlex.quote(f'/new{path}')}" for path in through),
    )
    files = {"init": init.encode(), "bin/busybox": prepared.busybox}
    files |= {f"modules/{name}": data for name, data in modules.items()}
    return archive(files, ("proc", "sys", "dev", "layer", "lower", "upper", "new"))


def start(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: int, *, shell: bool) -> str:
    """What runs on the full file system, as root: `command` in `folder`, its output on the console `hvc0`."""
    exports = {
        "HOME": "/run/home/root",
        "TMPDIR": "/run/tmp",
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    words = shlex.join(command)
    if shell:
        terminal = shlex.quote(os.environ.get("TERM", "dumb"))
        ran = f"TERM={terminal} setsid -c -w {words} </dev/hvc0 >/dev/hvc0 2>&1; echo $? >/run/out/status"
    else:
        # Through a pipe: it is no terminal that anybody could answer at.
        ran = f"{{ {words}; echo $? >/run/out/status; }} </dev/null 2>&1 | cat >/dev/hvc0"
    return _START.format(
        alice=ALICE,
        eve=EVE,
        limit=limit,
        environment="\n".join(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
        folder=shlex.quote(str(folder)),
        command=ran,
    )
