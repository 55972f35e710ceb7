// A folder that is named with `~`, which a shell leaves as it is behind `--to=` and in quotes.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { PLAIN, Premises } from '../support/other-user.ts';

test.each([[['--to=~/restored']], [['--to', '~/restored']]])(
  'restore %s makes the folder in the home of the user, and none of that name in the site',
  (to) => {
    using premises = new Premises(PLAIN);
    premises.plant({ page: 'the page' });
    premises.backUp();
    const { exit, text } = premises.run(['restore', 'site', ...to]);
    const folder = path.join(premises.at('home'), 'restored');
    expect({ exit, text }).toEqual({ exit: 0, text: expect.stringContaining(`to ${folder}\n`) });
    expect(fs.readFileSync(path.join(folder, 'page'), 'utf8')).toBe('the page');
    expect(fs.existsSync(path.join(premises.site, '~'))).toBe(false);
  },
);
