// What moving to a colder class saves, or why nothing is moved, said before anything is deployed.
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AwsConfig } from '../../../config/config.ts';
import { movesAnything, type MovePlan, type SourceMove } from '../../../config/storage-class.ts';
import { monthlyFor100Gib, pinnedStay, type Stay } from '../../../policy/long-kept.ts';
import { PRICES_OF } from '../../../policy/s3-prices.ts';

/** Says at each synthesis what is moved and what that saves; and as a warning, why nothing is although it was asked for. */
export function sayWhatMoves(
  scope: Construct,
  plan: MovePlan,
  { storage }: Pick<AwsConfig, 'storage'>,
): void {
  const text = moveText(plan);
  const adopted =
    storage === 'existing'
      ? [
          'The bucket is adopted, and no stack changes its lifecycle: docs/aws.md has the rule that it needs.',
        ]
      : [];
  if (movesAnything(plan))
    Annotations.of(scope).addInfoV2('holdfast:storage-class', [text, ...adopted].join('\n'));
  else Annotations.of(scope).addWarningV2('holdfast:storage-class', text);
}

/** The same in words. Amounts are dollars a month for 100 GiB, by the prices of `lib/policy/s3-prices.ts`. */
export function moveText(plan: MovePlan): string {
  return (movesAnything(plan) ? whatMoves(plan) : whyNothing(plan)).join('\n');
}

function whatMoves(plan: MovePlan): string[] {
  const { sources, pinned, terms } = plan;
  const moved = sources.filter(({ least }) => least !== undefined);
  const not = sources.filter(({ least }) => least === undefined);
  return [
    'Backups that nothing but their month, their year or a pin keeps move to Glacier Instant Retrieval, where they are read at once.',
    ...moved.map(sourceText),
    ...not.map(notMoved),
    ...(pinned === undefined ? [] : [`What is pinned costs ${amounts(pinnedStay(terms))}.`]),
    `Their content is verified every ${terms.contentMonths} months, and each time read in full, which is counted here.`,
    PRICES,
  ];
}

function sourceText({ source, stay, least = 0 }: SourceMove): string {
  if (stay === undefined) return '';
  return `${source}: artifacts of at least ${Math.ceil(least / 1024)} KiB, for about ${Math.round(stay.months)} months at ${amounts(stay)}.`;
}

function notMoved({ source, stay }: SourceMove): string {
  return stay === undefined
    ? `${source}: its retention keeps nothing by its month or year alone.`
    : `${source}: moving would cost ${amounts(stay)}, so only pinned backups move.`;
}

function whyNothing({ terms, sources }: MovePlan): string[] {
  const stays = [pinnedStay(terms), ...sources.flatMap((one) => one.stay ?? [])];
  const stay = stays.reduce((longest, one) => (one.months > longest.months ? one : longest));
  const rarer = { ...stay, contentMonths: 3 };
  return [
    'aws.storageClass is not applied: in Glacier Instant Retrieval, backups would cost more than where they are.',
    `The content of all that is kept is verified every month, and reading it there too makes ${amounts(stay)}.`,
    `With aws.verifyContent: quarter, it would be ${amounts(rarer)}.`,
    PRICES,
  ];
}

/** `1.49 $ a month for 100 GiB instead of 2.30` */
function amounts(stay: Stay): string {
  const { standard, moved } = monthlyFor100Gib(stay);
  const share = Math.round((moved / standard - 1) * 100);
  const change = share < 0 ? `${-share} % less` : `${share} % more`;
  return `${moved.toFixed(2)} $ a month for 100 GiB instead of ${standard.toFixed(2)} (${change})`;
}

const PRICES = `Prices are those of ${PRICES_OF}; other regions differ by as much in both classes.`;
