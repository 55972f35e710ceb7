// Verifies a backup when its manifest was created, and on a schedule the content of everything that is kept.
import { DATABASE_KINDS } from '../lib/wiring/database-kinds.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { contentEvent, createdObject } from '../lib/functions/events.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { ARCHIVE_KINDS } from '../lib/wiring/kinds.ts';
import type { Kinds } from '../lib/sources/source.ts';
import { verifyContent, type ContentReport } from '../lib/functions/verify-content.ts';
import { verifyCreated, type VerifyReport } from '../lib/functions/verify-created.ts';
import { latestTime } from '../lib/engine/catalog/clock.ts';
import { HoldfastError } from '../lib/errors.ts';

/** An S3 event about a manifest, or `{ level: 'content', at }`, with `source` where one is meant alone. */
export function handler(
  event: unknown,
  context: FunctionContext,
): Promise<VerifyReport | ContentReport> {
  return invoke<VerifyReport | ContentReport>(
    context,
    'verifying',
    (invocation) => {
      const created = createdObject(event);
      if (created !== undefined) return verifyCreated(invocation, created);
      const content = contentEvent(event, latestTime(invocation.engine));
      if (content !== undefined) return verifyContent(invocation, content);
      throw new HoldfastError('USAGE', 'the event is neither about an object nor has a level', {
        hint: 'Send { "level": "content", "at": "2026-11-22T03:00:00Z" }.',
      });
    },
    { kinds: KINDS },
  );
}

/** Whatever is stored is verified, whoever backed it up. */
const KINDS: Kinds = new Map([...ARCHIVE_KINDS, ...DATABASE_KINDS]);
