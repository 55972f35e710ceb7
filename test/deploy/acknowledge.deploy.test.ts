// A link on AWS, from the failed backup to the browser: the stack tells, somebody opens the link, and the next step gets no message.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startBrowser } from '../support/browser.ts';
import { Cdk } from '../support/cdk.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { Deployed } from '../support/deployed.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { storyStart } from '../support/story-start.ts';
import { until } from '../support/until.ts';

const SYSTEM = 'acknowledged';
const CONFIG = `
version: 1
system: ${SYSTEM}
store: s3://${SYSTEM}-backups?region=us-east-1
aws: { reservedConcurrency: create }
sources:
  assets: { kind: bucket, bucket: ${SYSTEM}-assets, schedule: 0 3 * * *, rpo: 25h }
notify:
  sinks: { topic: { kind: sns } }
  contacts:
    engineering: { role: Engineering, sinks: [topic] }
    management: { role: Management, sinks: [topic] }
  escalation:
    steps: [{ after: 0s, contacts: [engineering] }, { after: 30m, contacts: [management] }]
`;

let aws: MiniStack;
let place: Place;
let cdk: Cdk;
let system: Deployed;

beforeAll(async () => {
  aws = await startMiniStack({ enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  const config = join(place.site, 'holdfast.yaml');
  writeFileSync(config, CONFIG);
  await cdk.bootstrap();
  const { outputs } = await cdk.deploy(config);
  system = new Deployed(SYSTEM, { aws, place });
  await system.subscribe(outputs?.['Topic'] ?? '');
}, 600_000);

afterAll(async () => {
  await aws.stop();
  await cdk.remove();
  await place.remove();
}, 60_000);

test('whoever opens the link of a message ends its messages by one button', async () => {
  // The bucket is not there.
  const failing = { source: 'assets', trigger: 'manual', at: aws.now().toISOString() };
  await expect(system.invoke('backup', failing)).rejects.toThrow();
  await system.invoke('escalate', { at: aws.now().toISOString() });
  const link = await until('a message with a link', async () => {
    await system.alarmMessage('none', aws.now());
    const links = system.messages.map(({ text }) => /^answer +(\S+)$/m.exec(text)?.[1]);
    return links.find((one) => one !== undefined);
  });
  const { host, pathname } = new URL(link);
  const page = `${aws.endpoint}/_aws/lambda-url/${host.split('.')[0] ?? ''}${pathname}`;
  const browser = await startBrowser();
  try {
    const tab = await browser.newPage({ javaScriptEnabled: false });
    await tab.goto(page);
    await tab.getByLabel('A word for the others').fill('on it');
    await tab.getByRole('button', { name: 'Acknowledge' }).click();
    await tab.getByText('Acknowledged.').waitFor();
  } finally {
    await browser.close();
  }
  const before = system.messages.length;
  await aws.leapTo(new Date(aws.now().getTime() + 31 * 60_000));
  await system.invoke('escalate', { at: aws.now().toISOString() });
  await system.alarmMessage('none', aws.now());
  expect(system.messages.slice(before).filter(({ text }) => text.includes('step 2'))).toEqual([]);
  const { stdout } = await system.run('incident', 'show', '1');
  expect(stdout).toMatch(/acknowledged {2}by topic \(link\) {2}on it/);
}, 300_000);
