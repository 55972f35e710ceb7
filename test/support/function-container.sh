#!/bin/sh
# Runs a program as Lambda runs an image: its root cannot be written, /tmp is its own and empty, there is no /dev/shm, and its user has
# neither a name nor rights; or as Fargate runs it by our definition: the same, but as root with the few rights of a container. Runs in a
# mount and a process namespace that end with it.
# Arguments: function or task, the root, a folder to mount it on, the code, Node, the folder of work, the environment, the program.
set -eu
as=$1 root=$2 at=$3 code=$4 node=$5 workdir=$6
shift 6

case $as in
  function)
    mode=1777
    user='--reuid=993 --regid=990 --clear-groups --bounding-set=-all --inh-caps=-all'
    ;;
  task)
    mode=0755
    user=--clear-groups\ --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap
    ;;
esac

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
mount -t tmpfs -o mode=$mode,size=2g scratch "$at/tmp"
mount -t proc processes "$at/proc"
mount -o remount,bind,ro "$at"

# Lambda allows 1024 open files.
# shellcheck disable=SC2086 # One word per option.
exec env -i PATH="$PATH" prlimit --nofile=1024:1024 chroot "$at" \
  setpriv $user --no-new-privs --pdeathsig=keep env -C "$workdir" "$@"
