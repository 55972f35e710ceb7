// How a system stands, for monitors: a line as plugins of Nagios print it, and a file for the textfile collector of Prometheus. Pure.
import { unwellLines } from '../../alerts/alarm-lines.ts';
import { plain } from '../../alerts/plain-text.ts';
import type { Status } from '../../engine/status.ts';
import type { Finding } from '../../policy/conditions/table.ts';

/** As the guidelines of monitoring plugins have them. */
const EXIT = { fine: 0, watch: 1, alarm: 2 } as const;
export const NAGIOS_UNKNOWN = 3;
const WORDS = { fine: 'OK', watch: 'WARNING', alarm: 'CRITICAL' } as const;

const MOST = 300;

/** One line, and the exit code that goes with it. */
export function nagiosLine({ verdict, ...status }: Status): { line: string; exit: number } {
  const wrong = unwellLines(status);
  const watched = status.sources.flatMap(({ source, findings }) =>
    findings.map(({ detail }) => `${source}: ${detail}`),
  );
  const said = [...(wrong.length > 0 ? wrong : watched)].map(bare).join('; ');
  const count = status.sources.length;
  const text = said === '' ? `${count} ${count === 1 ? 'source is' : 'sources are'} well` : said;
  const ages = status.sources.flatMap(({ source, freshness: { newestGoodId, ageMs } }) =>
    newestGoodId === undefined || ageMs === undefined
      ? []
      : [`'${source}_age'=${Math.round(ageMs / 1000)}s`],
  );
  const performance = ages.length === 0 ? '' : ` | ${ages.join(' ')}`;
  return {
    line: `HOLDFAST ${WORDS[verdict]} - ${text.slice(0, MOST)}${performance}`,
    exit: EXIT[verdict],
  };
}

/** The same for a system of which nothing can be told. */
export function nagiosUnknown(message: string): string {
  return `HOLDFAST UNKNOWN - ${bare(message).slice(0, MOST)}`;
}

/** A bar would begin the numbers. */
function bare(text: string): string {
  return plain(text, MOST).replaceAll('|', '/');
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics, in the text format of Prometheus. */
export function prometheusText(system: string, { at, well, sources, store }: Status): string {
  const ofSource = (value: (one: Status['sources'][number]) => number | undefined): Sample[] =>
    sources.flatMap((one) => {
      const found = value(one);
      return found === undefined ? [] : [{ labels: { system, source: one.source }, value: found }];
    });
  const findings = [
    ...sources.flatMap((one) => one.findings.map((found) => sampleOf(one.source, found))),
    ...store.findings.map((found) => sampleOf('', found)),
  ];
  function sampleOf(source: string, { code, severity }: Finding): Sample {
    return { labels: { system, source, code, severity }, value: 1 };
  }
  return [
    family('holdfast_well', 'Whether nothing alarms and everything was backed up.', [
      { labels: { system }, value: well ? 1 : 0 },
    ]),
    family('holdfast_looked_timestamp_seconds', 'When this was found.', [
      { labels: { system }, value: Math.floor(at.getTime() / 1000) },
    ]),
    family(
      'holdfast_recovery_point_age_seconds',
      'The age of the newest good backup.',
      ofSource(({ freshness: { newestGoodId, ageMs } }) =>
        newestGoodId === undefined || ageMs === undefined ? undefined : Math.round(ageMs / 1000),
      ),
    ),
    family(
      'holdfast_restore_test_age_seconds',
      'The time since a restore was proven.',
      ofSource(({ restoreTest: { lastProvenAgeMs } }) =>
        lastProvenAgeMs === undefined ? undefined : Math.round(lastProvenAgeMs / 1000),
      ),
    ),
    family(
      'holdfast_stored_bytes',
      'What the backups take.',
      ofSource(({ storedBytes }) => storedBytes),
    ),
    family('holdfast_finding', 'A condition that holds; docs/conditions.md lists them.', findings),
  ].join('');
}

function family(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}{${pairs.join(',')}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${[...new Set(lines)].join('')}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
