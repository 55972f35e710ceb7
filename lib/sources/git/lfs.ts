// Git LFS: files whose content is kept elsewhere, and of which a working tree may hold nothing but a pointer.

/** What a pointer begins with. */
export const LFS_VERSION = 'version https://git-lfs.github.com/spec/v1\n';

/** The longest pointer, by the specification. */
export const MAX_POINTER_BYTES = 1024;
/** The version alone takes 43. */
const MIN_POINTER_BYTES = 60;

/** Whether a file of this size may be a pointer. */
export function mayBePointer(bytes: number): boolean {
  return bytes >= MIN_POINTER_BYTES && bytes <= MAX_POINTER_BYTES;
}

/** Whether a whole file is a pointer. */
export function isPointer(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString('latin1').startsWith(LFS_VERSION);
}

/** Whether attributes have LFS keep something. */
export function speaksOfLfs(attributes: string): boolean {
  return attributes.includes('filter=lfs');
}
