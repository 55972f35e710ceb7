#!/usr/bin/env python3
"""Makes tar headers from docs/format.md alone: for each line of JSON on standard input a line of hex on standard output."""
import json, re, sys

NO_TIME = 0o2263523000


def pad(size):
    return bytes(-size % 512)


def block(name, mode, uid, gid, size, seconds, flag, link=b'', prefix=b''):
    head = b'%b%07o\0%07o\0%07o\0%011o\0%011o\0' % (name.ljust(100, b'\0'), mode, uid, gid, size, seconds)
    head += b' ' * 8 + flag + link.ljust(100, b'\0') + b'ustar\x0000' + bytes(80) + prefix.ljust(155, b'\0') + bytes(12)
    return head[:148] + b'%06o\0 ' % sum(head) + head[156:]


def header(entry):
    path, link, micros = entry['path'], entry['link'], entry['micros']
    name, prefix, records = path, b'', b''
    if len(path) > 100:
        cut = path.find(b'/', len(path) - 101) if len(path) <= 256 else -1
        split = 1 <= cut <= 155 and cut < len(path) - 1
        prefix, name = (path[:cut], path[cut + 1:]) if split else (b'', path[:100])
    fits = prefix + b'/' * bool(prefix) + name == path

    def record(key, value):
        nonlocal records
        bare = len(key) + len(value) + 3
        length = next(n for n in range(bare + 1, bare + 12) if len(str(n)) + bare == n)
        records += b'%d %b=%b\n' % (length, key, value)
    long_ones = ([] if fits else [(b'path', path)]) + ([(b'linkpath', link)] if len(link) > 100 else [])
    if any(not value.isascii() for _, value in long_ones):
        record(b'hdrcharset', b'BINARY')
    for key, value in long_ones:
        record(key, value)

    def number(key, value, limit):
        if value > limit:
            record(key, b'%d' % value)
        return value if 0 <= value <= limit else 0
    size = number(b'size', entry['size'], 0o77777777777)
    uid, gid = (number(one.encode(), entry[one], 0o7777777) for one in ('uid', 'gid'))
    seconds = NO_TIME if micros is None else micros // 1000000
    if micros is not None and (micros % 1000000 or micros < 0 or seconds > 0o77777777777):
        whole, part = divmod(abs(micros), 1000000)
        record(b'mtime', (f'{"-" * (micros < 0)}{whole}' + f'.{part:06}'.rstrip('0').rstrip('.')).encode())
    seconds = seconds if 0 <= seconds <= 0o77777777777 else 0
    flag = {'file': b'0', 'hardlink': b'1', 'symlink': b'2', 'directory': b'5'}[entry['type']]
    pax = b''
    if records:
        pax_name = (b'PaxHeaders/' + re.sub(rb'/$', b'', name))[:100]
        pax = block(pax_name, 0o644, uid, gid, len(records), 0, b'x') + records + pad(len(records))
    return pax + block(name, entry['mode'], uid, gid, size, seconds, flag, link[:100], prefix)


for line in sys.stdin:
    entry = json.loads(line)
    print(header({**entry, 'path': bytes.fromhex(entry['path']), 'link': bytes.fromhex(entry['link'])}).hex())
