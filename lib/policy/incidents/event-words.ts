// What an event of an incident is about, in words. Pure.
import { noteTexts } from './review.ts';
import type { IncidentEvent } from './state.ts';

/** Its conditions, what a note sets, what a person wrote, and what came of an attempt; empty where it says nothing more. */
export function eventText({ conditions, text, outcome, sets = {} }: IncidentEvent): string {
  return [
    ...conditions.map(({ subject, detail }) => `${subject}: ${detail}`),
    ...noteTexts(sets),
    ...(text === undefined ? [] : [text]),
    ...(outcome === undefined ? [] : [outcome]),
  ].join('; ');
}
