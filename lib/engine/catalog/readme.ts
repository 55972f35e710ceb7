// What a person finds who has the store alone: what it is, and how to restore from it with common tools.
import { HoldfastError } from '../../errors.ts';
import { README_KEY } from '../../format/layout.ts';
import type { Store } from '../../stores/store.ts';

/** The text, which is the same in every store: no key is ever overwritten, so it says nothing that could change. */
export const README_TEXT = `This is a store of Holdfast. It holds backups of one system, whose name is in
holdfast.json. You can restore them without Holdfast, with the tools below.

Do not change, rename or delete anything in this folder, and add nothing to it.
Copy what you need to another place, and work there.


FIND A BACKUP

Each backup is a folder, backups/SOURCE/ID. SOURCE says what was backed up, and
ID begins with the time in UTC: 20261122T020000000Z is 2026-11-22, 02:00:00.
A folder without manifest.json is not a backup. In the folder, see what the
backup holds and whether it is complete ("status":"complete"):

    sed -n 2p manifest.json

In a bucket, fetch the folder first:

    aws s3 cp --recursive s3://BUCKET/backups/SOURCE/ID/ .

Check each file against the manifest. This prints 1 for each:

    for file in *.gz; do grep -c "$(sha256sum "$file" | cut -c1-64)" manifest.json; done


RESTORE FILES

The archives are plain tar files. Most backups have one; if there are several,
they are extracted in the order of their names:

    mkdir -m 700 /tmp/restored
    for part in archive-*.tar.gz; do tar -xpzf "$part" -C /tmp/restored || break; done
    (cd /tmp/restored && sha256sum --quiet -c .holdfast/SHA256SUMS*)

If their names end in .tar.zst, write "*.tar.zst" and "tar --zstd -xpf".


RESTORE A DATABASE

The dumps are SQL for psql. Roles belong to the server, and the rest to the
database. Errors that say "already exists" are fine in the first command:

    gunzip -c globals-*.sql.gz | psql -X -q -d postgres
    createdb --template=template0 restored
    gunzip -c properties-*.sql.gz | psql -X -q -v ON_ERROR_STOP=1 -d restored
    gunzip -c dump-*.sql.gz | psql -X -q -1 -v ON_ERROR_STOP=1 -d restored

"settings" in manifest.json names the encoding and the collation of the original,
which createdb takes as --encoding and --locale.
If there is an archive and no dump, extract it as above. In place of the last
command, give pg_restore what it holds: pg_restore -d restored /tmp/restored/dump


MORE

Holdfast has docs/runbook.md (restoring, step by step), docs/format.md (every
byte of this store) and docs/stores.md. They are in its package, beside the
program: node_modules/holdfast/docs.
Manifests are signed; docs/runbook.md shows how to check that with openssl.
`;

/**
 * Writes the text into a store that has none, and leaves one that is there as it is. Where the rights do not reach so far, the store
 * goes without it.
 */
export async function leaveReadme(store: Store): Promise<void> {
  try {
    if ((await store.head(README_KEY)) !== undefined) return;
    await store.put(README_KEY, Buffer.from(README_TEXT));
  } catch (error) {
    const isLeft = error instanceof HoldfastError && LEFT.includes(error.code);
    if (!isLeft) throw error;
  }
}

/** Another run was faster, or may write backups alone. */
const LEFT: readonly string[] = ['STORE_CONFLICT', 'STORE_DENIED'];
