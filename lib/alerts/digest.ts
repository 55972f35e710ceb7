// The message about a day or a week without a stack: that all is well, or what is not. Pure.
import type { Status } from '../engine/status.ts';
import type { SinkMessage } from '../sinks/sink.ts';
import { unwellLines } from './alarm-lines.ts';
import { reportMessage, type ReportedSource } from './message.ts';
import type { Sender } from './sender.ts';
import type { AlarmConfig } from '../config/alarms.ts';

/** Which message it is. */
export interface DigestOf {
  /** The same for the same time, whoever sends it. */
  readonly id: string;
  readonly status: Status;
  readonly config: AlarmConfig;
  readonly sender: Sender;
}

/** How everything stands, for people who want to hear of successes, too. */
export function digestMessage({ id, status, config, sender }: DigestOf): SinkMessage {
  const { at, verdict, sources, recoveryPoints } = status;
  const { subject, body } = reportMessage(
    {
      ...{ at, verdict, unwell: unwellLines(status) },
      sources: sources.filter(({ configured }) => configured).map((one) => reported(one, at)),
      resources: (recoveryPoints?.resources ?? []).map((one) => ({
        selection: one.selection,
        resource: one.resource,
        newestAgeMs: one.newest && at.getTime() - one.newest.created.getTime(),
        lastRestoreTestAgeMs: one.restoreTest.lastProvenAgeMs,
      })),
      storedBytes: sources.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    },
    config,
    sender,
  );
  return {
    ...{ id, event: 'report', severity: status.well ? 'fine' : 'watch', at, subject, text: body },
    system: config.system,
    thread: `holdfast/${config.system}/report`,
  };
}

function reported(
  { source, freshness, restoreTest, proofs, success }: Status['sources'][number],
  at: Date,
): ReportedSource {
  const { newestGoodId, ageMs } = freshness;
  const last = Math.max(...proofs.map((one) => one.at.getTime()));
  return {
    name: source,
    newestGoodAgeMs: newestGoodId === undefined ? undefined : ageMs,
    lastProofAgeMs: proofs.length === 0 ? undefined : at.getTime() - last,
    lastRestoreTestAgeMs: restoreTest.lastProvenAgeMs,
    backupBytes: undefined,
    runs: { all: success.runs, complete: success.complete },
  };
}
