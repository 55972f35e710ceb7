#!/bin/sh
# Runs a program of the root file system beside it as the same user, with /tmp, the devices and the users of this machine. What it
# mounts for that is seen by the program alone, and gone with it.
root=${0%/*}/../root
options=--mount
[ "$(id -u)" = 0 ] || options='--user --map-current-user --keep-caps --mount'
# shellcheck disable=SC2086 # One word per option.
exec unshare $options -- sh -c '
  root=$0
  for folder in tmp dev proc; do mount --rbind "/$folder" "$root/$folder" || exit 125; done
  for file in passwd group; do mount --bind "/etc/$file" "$root/etc/$file" || exit 125; done
  exec chroot "$root" sh -c '\''cd "$0" 2>/dev/null || cd /; exec "$@"'\'' "$PWD" "$@"
' "$root" "$@"
