import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  standingOf,
  type BackupFacts,
  type EvidenceLevel,
  type EvidencePiece,
  type Verdict,
} from '../../lib/policy/standing.ts';
import { at } from './backups.ts';

function seen(verdict: Verdict, level: EvidenceLevel, time = '2026-11-22T02:00:09Z') {
  return { verb: 'verify', level, verdict, at: at(time) } satisfies EvidencePiece;
}

const WHOLE: BackupFacts = {
  signatureTrusted: true,
  status: 'complete',
  problems: [],
  evidence: [seen('proven', 'digest')],
  safety: false,
};

test.each<[string, Partial<BackupFacts>, string, string]>([
  ['proven once', {}, 'good', 'proven by verify (digest) at 2026-11-22 02:00:09 UTC'],
  ['of no evidence', { evidence: [] }, 'unproven', 'not yet verified'],
  ['merely present', { evidence: [seen('proven', 'presence')] }, 'unproven', 'not yet verified'],
  [
    'tried twice in vain',
    { evidence: [seen('inconclusive', 'digest'), seen('inconclusive', 'restore')] },
    'unproven',
    'not proven: 2 attempts were inconclusive',
  ],
  [
    'proven, then inconclusive',
    { evidence: [seen('proven', 'content'), seen('inconclusive', 'restore')] },
    'good',
    'proven by verify (content)',
  ],
  [
    'proven after damage was found',
    {
      evidence: [
        seen('damaged', 'content', '2026-11-20T02:00:00Z'),
        seen('proven', 'restore', '2026-11-21T02:00:00Z'),
      ],
    },
    'damaged',
    'found damaged by verify (content) at 2026-11-20 02:00:00 UTC',
  ],
  [
    'proven, then missing from the store',
    { evidence: [seen('proven', 'restore'), seen('damaged', 'presence')] },
    'damaged',
    'verify (presence)',
  ],
  ['of an unknown signer', { signatureTrusted: false }, 'untrusted', 'no trusted key'],
  [
    'partial with tolerated problems',
    { status: 'partial', problems: [{ tolerated: true }, { tolerated: true }] },
    'good',
    'proven by',
  ],
  [
    'partial with one that is not tolerated',
    { status: 'partial', problems: [{ tolerated: true }, {}] },
    'partial',
    '1 problem that the configuration does not tolerate',
  ],
  ['of what a restore replaced', { safety: true }, 'safety', 'what a restore replaced; proven by'],
  ['partial for no reason', { status: 'partial' }, 'partial', 'no problem says what is missing'],
  [
    'called complete with problems',
    { problems: [{}, { tolerated: false }] },
    'partial',
    '2 problems that',
  ],
])('a backup %s', (_, facts, standing, why) => {
  const result = standingOf({ ...WHOLE, ...facts });
  expect(result).toMatchObject({ standing, good: standing === 'good' });
  expect(result.why).toContain(why);
});

test('the order of the evidence is irrelevant, and inconclusive evidence changes nothing', () => {
  const piece = fc.record({
    verb: fc.constantFrom('verify', 'restore-test'),
    level: fc.constantFrom<EvidenceLevel>('presence', 'digest', 'content', 'restore'),
    verdict: fc.constantFrom<Verdict>('proven', 'damaged', 'inconclusive'),
    at: fc.integer({ min: 0, max: 3 }).map((n) => new Date(n)),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (evidence) => {
      const all = standingOf({ ...WHOLE, evidence });
      expect(standingOf({ ...WHOLE, evidence: evidence.toReversed() })).toEqual(all);
      const conclusive = evidence.filter(({ verdict }) => verdict !== 'inconclusive');
      expect(standingOf({ ...WHOLE, evidence: conclusive }).standing).toBe(all.standing);
    }),
  );
});
