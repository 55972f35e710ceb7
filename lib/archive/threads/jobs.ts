// What can be asked of a worker: plain data in, plain data out. The same functions serve without one.
import type { Encoding } from '../../format/codec.ts';
import {
  encodeGroupMember,
  encodePiece,
  encodeText,
  packed,
  type EncodedGroup,
  type EncodedMember,
  type EncodedPiece,
  type GroupToEncode,
  type PieceToEncode,
} from '../write/encode.ts';
import {
  extractGroups,
  extractPiece,
  type GroupsToExtract,
  type PieceToExtract,
} from '../read/extract.ts';
import { hashFiles, type FilesToHash } from '../write/hash-files.ts';
import {
  checkBytes,
  decodeText,
  proveGroups,
  provePiece,
  type BytesToCheck,
  type TextToDecode,
  type GroupsToProve,
  type PieceToProve,
} from '../read/prove.ts';
import type { Problem } from '../../errors.ts';

/** Each job and its result. */
export interface Jobs {
  encodeGroups: [{ groups: readonly GroupToEncode[]; encoding: Encoding }, EncodedGroup[]];
  encodePiece: [{ piece: PieceToEncode; encoding: Encoding }, EncodedPiece];
  encodeText: [{ bytes: Uint8Array; encoding: Encoding }, EncodedMember];
  extractGroups: [GroupsToExtract, ReturnType<typeof extractGroups>];
  extractPiece: [PieceToExtract, { problems: Problem[] }];
  proveGroups: [GroupsToProve, { problems: Problem[] }];
  provePiece: [PieceToProve, ReturnType<typeof provePiece>];
  checkBytes: [BytesToCheck, ReturnType<typeof checkBytes>];
  decodeText: [TextToDecode, ReturnType<typeof decodeText>];
  hashFiles: [FilesToHash, ReturnType<typeof hashFiles>];
}

export type JobName = keyof Jobs;

/** A result, and the buffers in it that change hands instead of being copied. */
export interface Performed<K extends JobName> {
  readonly result: Jobs[K][1];
  readonly transfer: ArrayBuffer[];
}

type Performers = { [K in JobName]: (job: Jobs[K][0]) => Performed<K> };

const PERFORMERS: Performers = {
  encodeGroups: ({ groups, encoding }) => {
    const result = packed(groups.map((group) => encodeGroupMember(group, encoding)));
    return { result, transfer: buffersOf(result.map((group) => group.member)) };
  },
  encodePiece: ({ piece, encoding }) => {
    const result = encodePiece(piece, encoding);
    return { result, transfer: buffersOf([result.member]) };
  },
  encodeText: ({ bytes, encoding }) => {
    const result = encodeText(bytes, encoding);
    return { result, transfer: buffersOf([result]) };
  },
  extractGroups: (job) => ({ result: extractGroups(job), transfer: [] }),
  extractPiece: (job) => ({ result: extractPiece(job), transfer: [] }),
  proveGroups: (job) => ({ result: proveGroups(job), transfer: [] }),
  provePiece: (job) => {
    const result = provePiece(job);
    return { result, transfer: result.content === undefined ? [] : [result.content.buffer] };
  },
  checkBytes: (job) => {
    const result = checkBytes(job);
    return { result, transfer: [result.bytes.buffer] };
  },
  decodeText: (job) => {
    const result = decodeText(job);
    return { result, transfer: [result.bytes.buffer] };
  },
  hashFiles: (job) => ({ result: hashFiles(job), transfer: [] }),
};

export function perform<K extends JobName>(name: K, job: Jobs[K][0]): Performed<K> {
  return PERFORMERS[name](job);
}

function buffersOf(members: readonly (EncodedMember | undefined)[]): ArrayBuffer[] {
  const buffers = members.map((member) => member?.bytes?.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer !== undefined);
}
