/** Where raw bytes are assembled; kept between uses, so that memory does not follow their number. */
export class Scratch {
  bytes = Buffer.alloc(0);

  /** Makes room for `bytes` in all; of what is there, the first `keep` stay. */
  reserve(bytes: number, keep: number): void {
    if (this.bytes.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 256 << 10));
    this.bytes.copy(larger, 0, 0, keep);
    this.bytes = larger;
  }
}
