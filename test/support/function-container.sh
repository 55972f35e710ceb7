#!/bin/sh
# Runs a program as Lambda runs an image: its root cannot be written, /tmp is its own and empty, there is no /dev/shm, and its user has
# neither a name nor rights. Runs in a mount and a process namespace that end with it.
# Arguments: the root, a folder to mount it on, the code, Node, the folder of work, the environment up to `--`, the program.
set -eu
root=$1 at=$2 code=$3 node=$4 workdir=$5
shift 5

mount --rbind "$root" "$at"
mount --bind "$code" "$at/var/task"
mount --bind "$node" "$at/usr/local/bin/node"
for place in "$at/var/task" "$at/usr/local/bin/node"; do
  mount -o remount,bind,ro "$place"
done
mount -t tmpfs -o mode=0755,size=1m devices "$at/dev"
for device in null zero full random urandom; do
  : >"$at/dev/$device"
  mount --bind "/dev/$device" "$at/dev/$device"
done
ln -s /proc/self/fd "$at/dev/fd"
mount -o remount,ro "$at/dev"
mount -t tmpfs -o mode=1777,size=2g scratch "$at/tmp"
mount -t proc processes "$at/proc"
mount -o remount,bind,ro "$at"

# Lambda allows 1024 open files, and 1024 processes of its user.
exec env -i PATH="$PATH" prlimit --nofile=1024:1024 chroot "$at" \
  setpriv --reuid=993 --regid=990 --clear-groups --no-new-privs --pdeathsig=keep --bounding-set=-all --inh-caps=-all \
  env -C "$workdir" "$@"
