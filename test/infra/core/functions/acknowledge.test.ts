// The one function that strangers reach: where it exists, what it may do, and what it cannot take from others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { alarmsOf } from '../../../../lib/config/alarms.ts';
import type { Config } from '../../../../lib/config/config.ts';
import { functionsOf, stackKeys } from '../../../../lib/config/load/stack-keys.ts';
import {
  configOf,
  deployedFrom,
  policyOf,
  stackOf,
  type Deployed,
} from '../../../support/stacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-acknowledge-'));

/** A small system that escalates, with further lines under `aws`. */
function configWith(...lines: string[]): Promise<Config> {
  const file = join(folder, 'holdfast.yaml');
  writeFileSync(
    file,
    [
      'version: 1',
      'system: shop',
      'store: s3://shop-backups?region=eu-central-1',
      'sources: { assets: { kind: bucket, bucket: shop-assets, schedule: "0 3 * * *" } }',
      'notify: { email: [me@example.com], sinks: { mail: { kind: sns } } }',
      'aws:',
      ...['  lock: { mode: governance, days: 14 }', ...lines],
    ].join('\n'),
  );
  return configOf(file);
}

const RESERVED = '  reservedConcurrency: create';

/** A stack, and what its synthesis says of links. */
async function madeWith(...lines: string[]): Promise<{ made: Deployed; said: string[] }> {
  const { stack } = stackOf(await configWith(...lines));
  const said = Annotations.fromStack(stack)
    .findInfo('*', Match.stringLikeRegexp('^Messages carry'))
    .map(({ entry }) => entry.data as string);
  return { made: deployedFrom(stack), said };
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('where concurrency is reserved', () => {
  let shop: Deployed;
  let words: string[];
  beforeAll(async () => {
    ({ made: shop, said: words } = await madeWith(RESERVED));
  });

  test('it has a public URL, which the function that escalates knows, and one execution', () => {
    shop.template.resourcePropertiesCountIs('AWS::Lambda::Url', { AuthType: 'NONE' }, 1);
    const functions = shop.ofType('AWS::Lambda::Function');
    const named = (name: string) =>
      functions.find(([, { Properties }]) => String(Properties['FunctionName']).endsWith(name))?.[1]
        .Properties;
    expect(named('-acknowledge')?.['ReservedConcurrentExecutions']).toBe(1);
    expect(named('-acknowledge')?.['LoggingConfig']).toMatchObject({ SystemLogLevel: 'WARN' });
    const withUrl = functions
      .filter(([, { Properties }]) =>
        JSON.stringify(Properties['Environment']).includes('ACKNOWLEDGE_URL'),
      )
      .map(([, { Properties }]) => String(Properties['FunctionName']));
    expect(withUrl).toEqual([named('-escalate')?.['FunctionName']]);
  });

  test('strangers may call it by its URL, and no other function in any way', () => {
    const open = shop
      .ofType('AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ Principal }) => Principal === '*');
    const only = new Set(open.map(({ FunctionName }) => JSON.stringify(FunctionName)));
    expect(only.size).toBe(1);
    expect([...only][0]).toContain('acknowledge');
    expect(open).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          Action: 'lambda:InvokeFunctionUrl',
          FunctionUrlAuthType: 'NONE',
        }),
        expect.objectContaining({ Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true }),
      ]),
    );
    expect(open).toHaveLength(2);
  });

  test('it reads incidents and puts acknowledgements, and touches nothing else of the store', () => {
    const bucket = 'arn:aws:s3:::shop-backups';
    const ofStore = policyOf(shop, 'acknowledge').Statement.filter(({ Action }) =>
      [Action].flat().some((one) => one.startsWith('s3:')),
    );
    const resources = ofStore.flatMap(({ Resource }) => [Resource].flat());
    expect(new Set(resources)).toEqual(
      new Set([bucket, `${bucket}/incidents/*`, `${bucket}/incidents/*-acknowledged-*.json`]),
    );
    const actions = new Set(
      policyOf(shop, 'acknowledge').Statement.flatMap(({ Action }) => [Action].flat()),
    );
    for (const forbidden of [
      's3:DeleteObject',
      's3:PutObjectTagging',
      'sns:Publish',
      'lambda:InvokeFunction',
    ])
      expect(actions).not.toContain(forbidden);
  });

  test('its key vouches for acknowledgements alone, and that of the escalation for none', async () => {
    const keys = stackKeys(await configWith(RESERVED));
    const of = (signer: string) => keys.find((one) => one.signer === signer);
    expect(of('acknowledge')).toMatchObject({ prefixes: ['incidents/'], events: ['acknowledged'] });
    expect(of('escalate')?.events).not.toContain('acknowledged');
  });

  test('nobody is woken because strangers call it too often', async () => {
    const labels = alarmsOf(await configWith(RESERVED)).map(({ label }) => label);
    expect(labels).toContain('functions/acknowledge/errors');
    expect(labels).not.toContain('functions/acknowledge/throttles');
  });

  test('synthesis says that a URL is public, and what leaves it out', async () => {
    expect(words).toEqual([expect.stringContaining('has a public URL')]);
    expect(functionsOf(await configWith(RESERVED))).toContain('acknowledge');
    const without = functionsOf(await configWith(RESERVED, '  acknowledgeUrl: off'));
    expect(without).toContain('escalate');
    expect(without).not.toContain('acknowledge');
  });
});

test('without reserved concurrency there is no URL, and synthesis says what would give one', async () => {
  const { made, said } = await madeWith();
  made.template.resourceCountIs('AWS::Lambda::Url', 0);
  expect(said).toEqual([expect.stringContaining('reservedConcurrency: create')]);
});
