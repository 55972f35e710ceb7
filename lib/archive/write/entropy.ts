// Whether content will not shrink: told by the entropy of its bytes, not by its name.

const SAMPLE_BYTES = 4096;
const SAMPLES = 4;
/** Bits a byte; random bytes measure about 7.95 over one sample, text below 6. */
const THRESHOLD_BITS = 7.8;

const counts = new Uint32Array(256);

/** True when deflating `bytes` would cost time and save nothing. Content below one sample is always deflated. */
export function resists(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLE_BYTES) return false;
  const samples = Math.min(SAMPLES, Math.floor(bytes.length / SAMPLE_BYTES));
  const stride = samples === 1 ? 0 : Math.floor((bytes.length - SAMPLE_BYTES) / (samples - 1));
  let bits = 0;
  for (let i = 0; i < samples; i++) bits += entropy(bytes, i * stride);
  return bits / samples > THRESHOLD_BITS;
}

function entropy(bytes: Uint8Array, from: number): number {
  counts.fill(0);
  for (let i = from; i < from + SAMPLE_BYTES; i++) {
    const byte = bytes[i] ?? 0;
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  let bits = 0;
  for (const n of counts) if (n > 0) bits -= n * Math.log2(n / SAMPLE_BYTES);
  return bits / SAMPLE_BYTES;
}
