// The page in a real browser: somebody opens the link of a message, reads, and presses the button; without script, light, dark and narrow.
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { openLocalStore } from '../../../lib/stores/folder/store.ts';
import { startBrowser } from '../../support/browser.ts';
import { serveUrl } from '../../support/url-requests.ts';
import { FAILED, MINUTE_MS, stageOn, START } from './stage.ts';
import { randomName } from '../../../lib/wiring/machine.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where pictures are put to be looked at; they are no part of the repository. */
const PICTURES = process.env['HOLDFAST_PICTURES'] ?? path.join(os.tmpdir(), 'holdfast-pictures');
const LOOKS = {
  light: { colorScheme: 'light', width: 1100 },
  dark: { colorScheme: 'dark', width: 1100 },
  narrow: { colorScheme: 'light', width: 320 },
} as const;

let browser: Browser;
const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-link-'));

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Takes a picture in each look. A page has nothing that axe finds or that its own policy forbids, and no line is wider than the screen. */
async function look(url: string, picture: string, ...looks: (keyof typeof LOOKS)[]) {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(url);
  await page.evaluate(AXE);
  for (const name of looks) {
    const { colorScheme, width } = LOOKS[name];
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: path.join(PICTURES, `${picture}-${name}.png`), fullPage: true });
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
    expect(found).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }
  // What is not there is told as such.
  expect(complaints.filter((text) => !text.includes('status of 404'))).toEqual([]);
  await page.close();
}

test('a link acknowledges by one button, without script, and looks well at each point', async () => {
  const store = await openLocalStore(folder, { random: randomName });
  let handle: Parameters<typeof serveUrl>[0] = () => Promise.reject(new Error('not yet'));
  await using server = await serveUrl((event) => handle(event));
  const stage = stageOn(store, server);
  handle = async (event) => (await stage.answer(event)).response;
  await stage.round([
    ...FAILED,
    {
      subject: 'assets',
      code: 'missed',
      detail: `no run since Sunday: <b>${'x'.repeat(90)}</b> & "y"`,
    },
  ]);
  const url = stage.messages[0]?.link ?? '';
  await stage.note({ lead: 'on-call', cause: 'a full disk' });
  stage.time = new Date(START.getTime() + 12 * MINUTE_MS);
  await look(url, '1-open', 'light', 'dark', 'narrow');

  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel('A word for the others').fill('I am <i>on</i> it & tell you');
  await page.getByRole('button', { name: 'Acknowledge as on-call' }).click();
  await page.getByText('Acknowledged.').waitFor();
  expect(await page.getByRole('button').count()).toBe(0);
  expect(await page.getByText('I am <i>on</i> it & tell you').count()).toBe(1);
  // The form is not sent again by whoever loads the page again.
  await page.reload();
  expect(server.asked.map((one) => one.split(' ')[0]).filter((one) => one === 'POST')).toHaveLength(
    1,
  );
  expect((await stage.incident()).acknowledgements).toHaveLength(1);
  await context.close();

  await look(url, '2-acknowledged', 'light', 'dark', 'narrow');
  await stage.round([]);
  await look(url, '3-resolved', 'light', 'dark');
  await look(`${server.url}/nowhere`, '4-nowhere', 'narrow');
  // Nothing was fetched but the page itself.
  expect(server.asked.filter((one) => !/ \/(000001\/.*|nowhere)$/.test(one))).toEqual([]);
});
