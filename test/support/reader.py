#!/usr/bin/env python3
"""Reads backups from docs/format.md alone, with Python's standard library (and `openssl`, for signatures).

    reader.py list|verify STORE/backups/<source>/<id> [--key PEM]
    reader.py list|verify ARCHIVE.tar.gz
    reader.py extract <either> PATH      writes the file's content to standard output

Exits with 1 and a line on standard error when anything is not as the document says. Archives of zstd are refused.
"""
import base64, bisect, hashlib, io, json, os, re, subprocess, sys, tarfile, tempfile, zlib

CAP = 64 << 20
GZIP = bytes.fromhex('1f8b08000000000000ff')
LOCATOR = bytes.fromhex('1f8b08040000000000ff340048463000'), bytes.fromhex('03000000000000000000')
NO_TIME = 0o2263523000
FLAGS = {'file': tarfile.REGTYPE, 'directory': tarfile.DIRTYPE, 'symlink': tarfile.SYMTYPE, 'hardlink': tarfile.LNKTYPE}


def need(holds, what):
    if not holds:
        raise ValueError(what)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def strict(text):
    line = json.loads(text, parse_constant=count, parse_float=float)
    need(isinstance(line, dict), 'a line is no object')
    return line


def count(value):
    need(type(value) is int and 0 <= value < 1 << 53, f'no count: {value!r}')
    return value


def path_in(line, name):
    return line[name].encode() if name in line else base64.b64decode(line[name + 'Base64'], validate=True)


def extent_in(line):
    stored, raw = count(line['bytes']), count(line['rawBytes'])
    need(raw <= CAP and stored <= raw + (raw >> 8) + 4096, 'an extent claims too much')
    return count(line['offset']), stored, raw, line['sha256']


def entry_in(line):
    kind, path, digest = line['type'], path_in(line, 'path'), line.get('sha256')
    need(kind in FLAGS, f'unknown type {kind!r}')
    parts = (path[:-1] if kind == 'directory' else path).split(b'/')
    need(path.endswith(b'/') == (kind == 'directory') and len(path) < 4096 and b'\0' not in path, f'bad path {path!r}')
    if 'objectKey' in line or 'objectKeyBase64' in line:
        name = hashlib.sha256(path_in(line, 'objectKey')).hexdigest()
        need(kind == 'file' and path == b'.holdfast/keys/' + name.encode(), f'not the path of its key: {path!r}')
    else:
        need(not {b'', b'.', b'..'} & set(parts) and parts[0] != b'.holdfast', f'unsafe path {path!r}')
    need((kind in ('file', 'hardlink')) == (re.fullmatch('[0-9a-f]{64}', digest or '') is not None), 'a bad digest')
    link = path_in(line, 'linkTarget') if 'link' in kind else b''
    numbers = {name: count(line[name]) for name in ('mode', 'uid', 'gid')}
    size, micros = count(line['size']) if kind == 'file' else 0, line.get('mtimeMicroseconds')
    return {'path': path, 'type': kind, 'size': size, **numbers, 'micros': micros, 'link': link, 'sha256': digest}


def pad(size):
    return bytes(-size % 512)


def tail(raw):
    return zlib.crc32(raw).to_bytes(4, 'little') + len(raw).to_bytes(4, 'little')


def stored(raw):
    """A gzip member of one stored block."""
    length = len(raw).to_bytes(2, 'little') + (len(raw) ^ 0xffff).to_bytes(2, 'little')
    return GZIP + b'\1' + length + raw + tail(raw)


def own_header(name, size):
    info = tarfile.TarInfo('.holdfast/' + name)
    info.size, info.mtime = size, NO_TIME
    return info.tobuf(tarfile.USTAR_FORMAT)


def content_at(raw, tar, entry):
    """Where the content of the next entry of a tar begins, when its header says what the index says."""
    info = tar.next()
    need(info is not None, 'an entry is missing')
    name, link = (text.encode('utf-8', 'surrogateescape') for text in (info.name, info.linkname))
    said = name + b'/' * info.isdir(), link, info.type, info.size, info.mode, info.uid, info.gid
    wanted = entry['path'], entry['link'], FLAGS[entry['type']], *(entry[one] for one in ('size', 'mode', 'uid', 'gid'))
    micros = NO_TIME * 10**6 if entry['micros'] is None else entry['micros']
    need(said == wanted and abs(info.mtime * 10**6 - micros) <= 1, f'another header: {entry["path"]!r}')
    return info.offset_data


def tar_of(raw):
    return tarfile.open(fileobj=io.BytesIO(raw + bytes(1024)), mode='r:', encoding='utf-8', errors='surrogateescape')


class Archive:
    def __init__(self, name, place=None, size=None, first=None):
        own = '' if first is None else '-' + sha(first)[:16]
        self.sums_name, self.index_name, self.is_part = f'SHA256SUMS{own}', f'index{own}.ndjson', first is not None
        self.file, self.size, self.taken = open(name, 'rb'), os.path.getsize(name), 0
        need(size in (None, self.size), f'it has {self.size} bytes, not {size}')
        self.place = place or self.locate()
        head, *lines = [strict(line) for line in self.decoded(self.place).splitlines()]
        need(head.get('table') == 1, f'unknown table {head.get("table")!r}')
        self.data, self.entries = count(head['dataBytes']), count(head['entries'])
        self.sums = [extent_in(line['sums']) for line in lines if 'sums' in line]
        self.pieces = [extent_in(line['piece']) for line in lines if 'piece' in line]
        self.first = [path_in(line, 'firstPath') for line in lines if 'piece' in line]
        need(first is None or self.first[:1] == [first], 'a part begins with another path')
        self.frame = self.implied()

    def read(self, offset, length):
        need(0 <= offset and offset + length <= self.size, f'it ends before byte {offset + length}')
        self.file.seek(offset)
        self.taken += length
        return self.file.read(length)

    def decoded(self, extent):
        offset, length, raw_bytes, digest = extent
        data = self.read(offset, length)
        need(sha(data) == digest, f'the {length} bytes from byte {offset} have another digest')
        inflate = zlib.decompressobj(-15)
        raw = inflate.decompress(data[10:-8], raw_bytes + 1)
        need(data[:10] == GZIP and inflate.eof and not inflate.unused_data, 'no gzip member')
        need(len(raw) == raw_bytes and data[-8:] == tail(raw), 'a member has another length or CRC-32')
        return raw

    def locate(self):
        need(self.size > 74 and self.read(self.size - 58, 4).hex() != '502a4d18', 'archives of zstd are not read here')
        end = self.read(self.size - 74, 74)
        need((end[:16], end[64:]) == LOCATOR, 'no whole archive')
        place = [int.from_bytes(end[a:b], 'little') for a, b in ((16, 24), (24, 28), (28, 32))]
        return extent_in({**dict(zip(('offset', 'bytes', 'rawBytes'), place)), 'sha256': end[32:64].hex()})

    def implied(self):
        """What stands behind the members besides sums, index and table, and where; that they leave no gap."""
        sums, index = (sum(extent[2] for extent in group) for group in (self.sums, self.pieces + [self.place]))
        offset, length, raw, digest = self.place
        place = offset.to_bytes(8, 'little') + length.to_bytes(4, 'little') + raw.to_bytes(4, 'little') + bytes.fromhex(digest)
        frame, at = [], self.data
        head = b'' if self.is_part and sums == 0 else stored(own_header(self.sums_name, sums))
        for piece, extents in ((head, self.sums),
                               (stored(pad(sums) + own_header(self.index_name, index)), self.pieces + [self.place]),
                               (stored(pad(index) + bytes(1024)) + LOCATOR[0] + place + LOCATOR[1], [])):
            frame.append((at, piece))
            at += len(piece)
            for extent in extents:
                need(extent[0] == at, 'the pieces of the index leave a gap, or overlap')
                at += extent[1]
        return frame

    def groups(self, piece):
        """The groups of a piece of the index: the entries of a member, or one entry and its members."""
        groups, loose = [], []
        for line in map(strict, self.decoded(self.pieces[piece]).splitlines()):
            if 'member' not in line:
                loose.append(entry_in(line))
                continue
            if loose:
                *before, first = loose
                need(groups or not before, 'an entry stands in no member')
                if before:
                    groups[-1][0].extend(before)
                groups.append(([first], []))
                loose = []
            need(groups and len(groups[-1][0]) == 1, 'a member stands between entries')
            groups[-1][1].append(extent_in(line['member']))
        need(groups, 'a piece without a member')
        groups[-1][0].extend(loose)
        need(all(len(one) == 1 or len(members) == 1 for one, members in groups), 'a split file is not alone')
        need(groups[0][0][0]['path'] == self.first[piece], 'a piece begins with another path')
        return groups

    def contents(self, entries, members):
        """Each entry with its content, or with one part of it after the other, when everything about it was checked."""
        begin, left = 0, entries[0]['size']
        if len(members) == 1:
            raw, at = self.decoded(members[0]), 0
            tar = tar_of(raw)
            for entry in entries:
                begin = content_at(raw, tar, entry)
                at = begin + entry['size'] + len(pad(entry['size']))
                yield entry, raw[begin:begin + entry['size']]
            need(at == len(raw), 'a member does not hold its entries')
            return
        for i, member in enumerate(members):
            raw = self.decoded(member)
            if i == 0:
                begin = content_at(raw, tar_of(raw[:16384]), entries[0])
                need(sum(one[2] for one in members) == begin + left + len(pad(left)), 'a split file has another length')
            part = raw[begin if i == 0 else 0:][:left]
            left -= len(part)
            yield entries[0], part

    def walk(self):
        last, open_, at, total = b'', [], 0, 0
        for piece in range(len(self.pieces)):
            for entries, members in self.groups(piece):
                for path, kind in ((entry['path'], entry['type']) for entry in entries):
                    need(path > last, f'{path!r} is out of order')
                    open_ = [one for one in open_ if path.startswith(one)]
                    need(not any(path.startswith(one + b'/') for one in open_), f'{path!r} stands below no directory')
                    open_ += [path] if kind != 'directory' else []
                    last, total = path, total + 1
                for member in members:
                    need(member[0] == at, 'members leave a gap, or overlap')
                    at += member[1]
                yield entries, members
        need(at == self.data and total == self.entries, 'the index is not whole')

    def extract(self, path, parts=None):
        piece = bisect.bisect_right(self.first, path) - 1
        for entries, members in self.groups(piece) if piece >= 0 else []:
            found = [entry for entry in entries if entry['path'] == path]
            if found and found[0]['type'] == 'hardlink':
                return (parts or self).extract(found[0]['link'])
            if found:
                return [part for entry, part in self.contents(entries, members) if entry['path'] == path]
        raise ValueError(f'it holds no {path!r}')

    def verify(self, digests=None):
        digests, lines = {} if digests is None else digests, b''
        for entries, members in self.walk():
            found = {}
            for entry, part in self.contents(entries, members):
                found.setdefault(entry['path'], hashlib.sha256()).update(part)
            for entry in entries:
                path, kind, digest = entry['path'], entry['type'], entry['sha256']
                if kind == 'file':
                    digests[path] = found[path].hexdigest()
                need(digest is None or digests.get(entry['link'] or path) == digest, f'{path!r} has another content')
                odd = b'\\' * bool(re.search(rb'[\\\n\r]', path))
                for char, escape in (b'\\', b'\\\\'), (b'\n', b'\\n'), (b'\r', b'\\r'):
                    path = path.replace(char, escape)
                lines += odd + digest.encode() + b'  ' + path + b'\n' if digest else b''
        need(b''.join(map(self.decoded, self.sums)) == lines, 'the sums differ')
        need(all(self.read(at, len(piece)) == piece for at, piece in self.frame), 'the frame differs')
        at, end = self.frame[-1]
        need(at + len(end) == self.size, 'something stands behind its end')
        return self.entries


CLASSES = {'large': {'file'}, 'small': set(FLAGS), 'directories': {'directory'}}


class Parts:
    """Several archives that are one."""

    def __init__(self, archives, folder, entries):
        self.ranks, self.entries, self.archives = [list(CLASSES).index(one['part']['class']) for one in archives], entries, []
        self.firsts = [path_in(one['part'], 'firstPath') for one in archives]
        order = list(zip(self.ranks, self.firsts))
        need(order == sorted(set(order)) and self.ranks.count(2) < 2 and all(self.firsts), 'parts are out of order')
        names = [re.fullmatch(r'.*/archive-([A-Za-z0-9]+)-([0-9]{3})\.tar\.gz', one['key']) for one in archives]
        need(all(names) and len({name[1] for name in names}) == 1, 'parts of several runs')
        need([int(name[2]) for name in names] == list(range(1, len(names) + 1)), 'a part is missing, or there twice')
        for one, first in zip(archives, self.firsts):
            name = f'{folder}/{os.path.basename(one["key"])}'
            self.archives.append(Archive(name, extent_in(one['table']), one['bytes'], first))

    @property
    def taken(self):
        return sum(one.taken for one in self.archives)

    def walk(self):
        """All entries in order, after it was checked that they fit together."""
        everything = []
        for rank, archive in zip(self.ranks, self.archives):
            for entry in (entry for entries, _ in archive.walk() for entry in entries):
                need(entry['type'] in list(CLASSES.values())[rank], f'{entry["path"]!r} stands in a part of another class')
                need(entry['type'] != 'hardlink' or entry['link'] < entry['path'], f'{entry["path"]!r} links to what follows')
                everything.append((rank, entry['path'], entry))
        need([one[:2] for one in everything] == sorted(one[:2] for one in everything), 'parts overlap')
        ordered, open_ = sorted((entry for _, _, entry in everything), key=lambda entry: entry['path']), []
        for before, entry in zip([{'path': b''}] + ordered, ordered):
            need(before['path'] < entry['path'], f'{entry["path"]!r} is there twice')
            open_ = [one for one in open_ if entry['path'].startswith(one)]
            need(not any(entry['path'].startswith(one + b'/') for one in open_), f'{entry["path"]!r} stands below no directory')
            open_ += [entry['path']] if entry['type'] != 'directory' else []
        need(len(ordered) == self.entries, 'the parts are not whole')
        yield ordered, []

    def extract(self, path):
        for rank in range(len(CLASSES)):
            own = [i for i, found in enumerate(self.ranks) if found == rank and self.firsts[i] <= path]
            try:
                return self.archives[own[-1]].extract(path, self) if own else need(False, 'not here')
            except ValueError as error:
                if 'it holds no' not in str(error) and 'not here' not in str(error):
                    raise
        raise ValueError(f'it holds no {path!r}')

    def verify(self):
        digests = {}
        for _ in self.walk():
            return sum(archive.verify(digests) for archive in self.archives)


def signed(name, key, pem):
    with open(name, 'rb') as file:
        lines = file.read(16 << 20).split(b'\n')
    need(len(lines) == 5 and (lines[0], lines[2][:1], lines[3], lines[4]) == (b'[', b',', b']', b''), 'no signed file')
    payload, seal = strict(lines[1]), strict(lines[2][1:])
    if pem:
        der = subprocess.run(['openssl', 'pkey', '-pubin', '-in', pem, '-outform', 'DER'], capture_output=True, check=True)
        need(seal['keyId'] == sha(der.stdout), 'it is signed with another key')
        with tempfile.NamedTemporaryFile() as signature:
            signature.write(base64.b64decode(seal['signature'], validate=True))
            signature.flush()
            check = ['openssl', 'dgst', '-sha256', '-verify', pem, '-signature', signature.name]
            checked = subprocess.run(check, input=lines[1] + b'\n', capture_output=True)
            need(checked.returncode == 0, 'its signature does not match')
    need(payload['key'] == key, f'it was signed for {payload["key"]!r}')
    return payload


def open_backup(folder, pem):
    *store, _, source, id_ = os.path.abspath(folder).split('/')
    place = f'backups/{source}/{id_}/'
    manifest = signed(f'{folder}/manifest.json', place + 'manifest.json', pem)
    need(manifest['format'] == 1 and set(manifest['requires']) <= {'owner-names', 'parts'}, 'a newer version wrote it')
    need((manifest['source'], manifest['id']) == (source, id_), 'it is another backup')
    need(set(manifest.get('place', {})) <= {'host', 'machine', 'path', 'remote'}, 'a place is something else')
    archives = [one for one in manifest['artifacts'] if one['role'] == 'archive']
    need(all(one['codec'] == 'gzip' for one in archives), 'archives of zstd are not read here')
    need(all(os.path.dirname(one['key']) + '/' == place for one in archives), 'its archive stands elsewhere')
    several = 'parts' in manifest['requires']
    need(several == (len(archives) > 1) and all(several == ('part' in one) for one in archives), 'parts are not named as such')
    if several:
        return Parts(archives, os.path.abspath(folder), manifest['totals']['entries'])
    [archive] = archives
    return Archive(f'{"/".join(store)}/{archive["key"]}', extent_in(archive['table']), archive['bytes'])


def main(verb, name, *rest):
    pem = rest[rest.index('--key') + 1] if '--key' in rest else None
    archive = open_backup(name, pem) if os.path.isdir(name) else Archive(name)
    if verb == 'extract':
        for part in archive.extract(os.fsencode(rest[0])):
            sys.stdout.buffer.write(part)
        print(f'{archive.taken} bytes read', file=sys.stderr)
    elif verb == 'verify':
        print(f'{archive.verify()} entries are what was recorded')
    else:
        for entry in (entry for entries, _ in archive.walk() for entry in entries):
            print(json.dumps({**entry, 'path': entry['path'].decode('latin1'), 'link': entry['link'].decode('latin1')}))


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError, zlib.error, tarfile.TarError) as error:
        sys.exit(f'refused: {error}')
