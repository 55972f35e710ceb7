// One page for people: what is wrong, and of each source how old, how proven, how large and how slow.
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Config, SourceConfig } from '../../config/config.ts';
import { METRICS, globalName } from '../../names/aws.ts';
import type { StackPlace } from '../../names/aws.ts';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { resourceLabel } from '../../names/alarms.ts';
import {
  resourceMetric,
  selectionMetric,
  sourceMetric,
  systemMetric,
} from '../../names/metrics.ts';
import type { ResourceMetric, SourceMetric, SystemMetric } from '../../names/metrics.ts';
import { resourcesOf } from '../../policy/recovery-points/facts.ts';
import { published } from './alarms/alarms.ts';
import { arnHere } from './permissions.ts';

export interface SystemDashboardProps {
  readonly place: StackPlace;
  readonly config: Config;
  /** The names of all alarms. */
  readonly alarms: readonly string[];
}

const FULL = 24;
const HALF = FULL / 2;
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const MOST_ALARMS = 100;

/** `holdfast-my-site-eu-central-1-backups` in CloudWatch, which shows the dashboards of all regions as one list. */
export class SystemDashboard extends Construct {
  constructor(scope: Construct, id: string, { place, config, alarms }: SystemDashboardProps) {
    super(scope, id);
    const { system } = config;
    new Dashboard(this, 'Dashboard', {
      dashboardName: globalName(place, 'backups'),
      defaultInterval: Duration.days(30),
      widgets: [
        ...this.status(alarms).map((widget) => [widget]),
        [protection(config)],
        ...config.sources.map((source) => sourceRow(system, source)),
        ...(config.aws?.recoveryPoints?.selections ?? []).flatMap((one) =>
          selectionRows(system, one),
        ),
        ...vaultRow(config),
        storeRow(system, config.capacityBytes),
        upkeepRow(system),
      ],
    });
  }

  /** By their names: alarms of sources stand in other stacks. */
  private status(names: readonly string[]): AlarmStatusWidget[] {
    const parts = Math.ceil(names.length / MOST_ALARMS);
    return Array.from({ length: parts }, (_, part) => {
      const own = names.slice(part * MOST_ALARMS, (part + 1) * MOST_ALARMS);
      return new AlarmStatusWidget({
        title: parts === 1 ? 'What is wrong' : `What is wrong (${part + 1} of ${parts})`,
        alarms: own.map((name) =>
          Alarm.fromAlarmArn(this, name, arnHere(this, 'cloudwatch', `alarm:${name}`)),
        ),
        width: FULL,
        height: 6,
      });
    });
  }
}

/** What stands between an administrator and the backups: nothing claims more. */
function protection({ aws }: Config): TextWidget {
  const compliance = aws?.lockMode === 'compliance';
  return new TextWidget({
    width: FULL,
    height: 2,
    markdown: compliance
      ? `Locked in **compliance mode** for ${aws.lockDays} days: nobody can delete, not even an administrator of this account.`
      : `Locked in **governance mode** for ${aws?.lockDays ?? 0} days: no function and no pipeline can delete, but an administrator of this account can. Against that stand compliance mode, or a replica in another account; neither is part of this stack.`,
  });
}

function sourceRow(system: string, { name }: SourceConfig): IWidget[] {
  const metric = (which: SourceMetric) => published(sourceMetric(system, name, which));
  return [
    new SingleValueWidget({
      title: `${name}: newest good backup, last proof, last restore test`,
      metrics: [
        metric('RecoveryPointAgeSeconds'),
        metric('ProofAgeSeconds'),
        metric('RestoreTestAgeSeconds'),
      ],
      width: HALF,
      height: 6,
    }),
    new GraphWidget({
      title: `${name}: size and duration`,
      left: [metric('BackupBytes')],
      right: [metric('BackupSeconds')],
      width: HALF,
      height: 6,
    }),
  ];
}

/** Lines in one graph that people can still tell apart. */
const LINES = 20;

function selectionRows(system: string, { name, expected, copies }: SelectionConfig): IWidget[][] {
  const resources = resourcesOf(expected);
  const parts = Math.ceil(resources.length / LINES);
  return Array.from({ length: parts }, (_, part) => {
    const own = resources.slice(part * LINES, (part + 1) * LINES);
    const lines = (which: ResourceMetric) =>
      own.map((resource) =>
        published(resourceMetric(system, { selection: name, resource }, which)).with({
          label: `${resourceLabel(resource)} ${which}`,
        }),
      );
    const which = parts === 1 ? name : `${name} (${part + 1} of ${parts})`;
    return [
      new GraphWidget({
        title: `${which}: age of the newest recovery point${copies.length > 0 ? ' and copy' : ''}`,
        left: [
          ...lines('RecoveryPointAgeSeconds'),
          ...(copies.length > 0 ? lines('CopyAgeSeconds') : []),
        ],
        width: HALF,
        height: 6,
      }),
      new GraphWidget({
        title: `${which}: since the last proven restore test, and what is missing`,
        left: lines('RestoreTestAgeSeconds'),
        right: [published(selectionMetric(system, name, 'MissingResources'))],
        width: HALF,
        height: 6,
      }),
    ];
  });
}

/** By the name of the metric alone: what a vault is called whole, only the deployment knows. */
function vaultRow({ system, aws }: Config): IWidget[][] {
  if (aws?.recoveryPoints === undefined) return [];
  const search = `SEARCH('{${METRICS},System,Vault} MetricName="VaultBytes" System="${system}"', 'Maximum')`;
  return [
    [
      new GraphWidget({
        title: 'What the vaults hold, as AWS Backup counts it',
        left: [new MathExpression({ expression: search, usingMetrics: {}, label: '' })],
        width: FULL,
        height: 6,
      }),
    ],
  ];
}

function upkeepRow(system: string): IWidget[] {
  const metric = (which: SystemMetric) => published(systemMetric(system, which));
  return [
    new SingleValueWidget({
      title: 'Since the last prune, until the first lock ends, since content was last verified',
      metrics: [
        metric('PruneAgeSeconds'),
        published(systemMetric(system, 'LockSecondsLeft'), 'smallest'),
        metric('ContentAgeSeconds'),
      ],
      width: FULL,
      height: 4,
    }),
  ];
}

function storeRow(system: string, capacityBytes: number | undefined): IWidget[] {
  const metric = (which: SystemMetric) => published(systemMetric(system, which));
  return [
    new GraphWidget({
      title: 'What the store holds',
      left: [metric('StoredBytes')],
      ...(capacityBytes !== undefined && {
        leftAnnotations: [{ value: capacityBytes, label: 'capacity' }],
      }),
      width: HALF,
      height: 6,
    }),
    new GraphWidget({
      title: 'Hidden, released but wanted, untrusted, of the future',
      left: [
        metric('HiddenManifests'),
        metric('ReleasedButWanted'),
        metric('UntrustedBackups'),
        metric('FutureBackups'),
      ],
      width: HALF,
      height: 6,
    }),
  ];
}
