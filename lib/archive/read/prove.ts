// Proving stored bytes: that they have their recorded digests, and that what they hold has its recorded digests too. The work of a
// worker; damage is reported entry by entry and never ends the search.
import crypto from 'node:crypto';
import type { Problem } from '../../errors.ts';
import type { IndexGroup } from '../../format/archive-index.ts';
import { decodeMember, type Codec, type Extent } from '../../format/codec.ts';
import { HoldfastError } from '../../errors.ts';
import { checkedMember, damageOf, decodeGroup, decodePiece, type StoredRange } from './decode.ts';
import { free } from '../threads/reclaim.ts';

export interface GroupsToProve {
  readonly range: StoredRange;
  readonly groups: readonly IndexGroup[];
  readonly codec: Codec;
  /** `digest` looks at stored bytes, `content` decodes them too. */
  readonly level: 'digest' | 'content';
}

/** What is wrong with the groups; nothing when they are proven. */
export function proveGroups(job: GroupsToProve): { problems: Problem[] } {
  const problems: Problem[] = [];
  for (const group of job.groups) {
    try {
      if (job.level === 'digest') {
        for (const member of group.members) checkedMember(job.range, member);
      } else proveContents(group, job);
    } catch (error) {
      problems.push(...damageOf(group, error));
    }
  }
  free(job.range.bytes);
  return { problems };
}

function proveContents(group: IndexGroup, job: GroupsToProve): void {
  decodeGroup(job.range, group, job.codec, (entry, content) => {
    if (entry.type === 'file' && crypto.hash('sha256', content, 'hex') !== entry.sha256) {
      throw new HoldfastError(
        'BACKUP_DAMAGED',
        'its content does not have the digest that was recorded',
      );
    }
  });
}

export interface PieceToProve {
  readonly range: StoredRange;
  readonly group: IndexGroup;
  readonly piece: number;
  readonly codec: Codec;
}

/** The content of a piece, for the digest of its whole file, or what is wrong with it. */
export function provePiece(job: PieceToProve): {
  content: Uint8Array<ArrayBuffer> | undefined;
  problems: Problem[];
} {
  try {
    const content = decodePiece(job.range, job.group, job.piece, job.codec);
    return { content: ownBuffer(content), problems: [] };
  } catch (error) {
    return { content: undefined, problems: damageOf(job.group, error) };
  } finally {
    free(job.range.bytes);
  }
}

/** Small buffers may stand in one that Node shares among them, which cannot be handed to another thread. */
function ownBuffer(content: Buffer): Uint8Array<ArrayBuffer> {
  const shared = content.length < 64 << 10;
  return shared ? new Uint8Array(content) : (content as Uint8Array<ArrayBuffer>);
}

/** Stored bytes that are about to be copied, and the digests they must have. */
export interface BytesToCheck {
  readonly range: StoredRange;
  readonly members: readonly { offset: number; bytes: number; sha256: string }[];
}

/** Gives the bytes back when each digest holds; `BACKUP_DAMAGED` otherwise. */
export function checkBytes(job: BytesToCheck): { bytes: Uint8Array<ArrayBuffer> } {
  for (const member of job.members) checkedMember(job.range, { ...member, rawBytes: 0, key: '' });
  return { bytes: job.range.bytes };
}

/** A stored member of text, and what it must be. */
export interface TextToDecode {
  readonly range: StoredRange;
  readonly member: Extent;
  readonly codec: Codec;
}

/** The text of a member when its digest holds; `BACKUP_DAMAGED` otherwise. */
export function decodeText({ range, member, codec }: TextToDecode): {
  bytes: Uint8Array<ArrayBuffer>;
} {
  const stored = checkedMember(range, { ...member, key: '' });
  const bytes = ownBuffer(decodeMember(stored, member.rawBytes, codec));
  free(range.bytes);
  return { bytes };
}
