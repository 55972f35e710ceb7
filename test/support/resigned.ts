// Puts another manifest in the place of one, signed as if the engine had written it.
import type { Engine } from '../../lib/engine/engine.ts';
import { signerOf } from '../../lib/engine/engine.ts';
import type { Manifest } from '../../lib/format/manifest.ts';
import { encodeSigned } from '../../lib/format/signed.ts';

/** Replaces the stored manifest by one with `changes`. */
export async function resigned(
  engine: Engine,
  manifest: Manifest,
  changes: Partial<Manifest>,
): Promise<void> {
  await engine.store.release(manifest.key);
  const bytes = await encodeSigned({ ...manifest, ...changes }, signerOf(engine));
  await engine.store.put(manifest.key, bytes);
}
