// When the stories of a deployment begin, whatever day it is.
import process from 'node:process';

/** A Tuesday; `HOLDFAST_STORY_START` names another moment. */
const USUAL = '2026-11-24T12:00:00Z';

/** The moment that the clock of the local AWS shows when a story begins. */
export function storyStart(): Date {
  const named = process.env['HOLDFAST_STORY_START'];
  const text = named === undefined || named === '' ? USUAL : named;
  const start = new Date(text);
  // Without its zone, it would be another moment on each machine.
  if (Number.isNaN(start.getTime()) || !/(Z|[+-]\d\d:\d\d)$/.test(text)) {
    throw new Error(`HOLDFAST_STORY_START: "${text}" is not a moment such as ${USUAL}`);
  }
  return start;
}
