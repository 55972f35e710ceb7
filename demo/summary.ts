// The end of the demonstration: what was proven, and what to try next.
import path from 'node:path';
import { table } from '../lib/cli/output/units.ts';
import { VERSION } from '../lib/version.ts';
import { paint, type Story } from './story.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '..');

const NEXT = [
  ['npx holdfast init', 'a key, and a commented holdfast.yaml for what it finds there'],
  ['npx holdfast backup', 'back up, read back, prune'],
  ['npx holdfast restore site --to ../restored', 'into a folder that does not exist yet'],
] as const;

export function summarize(story: Story, duration: string): void {
  story.line();
  story.line(paint('bold', `All of it held, in ${duration}`));
  for (const line of table(story.proofs.map(({ claim, figures }) => [claim, figures]))) {
    story.tell(line);
  }
  story.line();
  story.line(paint('bold', 'Next, for a site of yours'));
  story.tell('npm pack here, then in the folder of the site:');
  story.tell(`npm install --save-dev ${path.join(CHECKOUT, `holdfast-${VERSION}.tgz`)}`);
  for (const line of table(NEXT)) story.tell(`  ${line}`);
}
