// The kind of sources that are folders of this machine.
import type { SourceKind } from '../source.ts';
import { archiveVerbs } from '../tree/kind.ts';
import { filesInPlace } from './in-place.ts';

export const filesKind: SourceKind = { ...archiveVerbs, kind: 'files', inPlace: filesInPlace };
