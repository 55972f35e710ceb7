// AWS Backup in this process, as much of it as is looked at: answers as AWS words them, over HTTP, and what a service far away does besides.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A thing as AWS writes it: times in seconds since 1970. */
export type Recorded = Readonly<Record<string, unknown>>;

/** What happens to a request instead of an answer. */
export type BackupFault =
  { readonly status: number; readonly name: string } | 'reset' | 'hang' | { readonly body: string };

export interface BackupRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export const BACKUP_ACCOUNT = '123456789012';
const VAULTS = `arn:aws:backup:eu-central-1:${BACKUP_ACCOUNT}:backup-vault`;

export class SmallBackup implements AsyncDisposable {
  /** By name. */
  readonly vaults = new Map<string, { readonly info: Recorded; points: Recorded[] }>();
  /** By id. */
  readonly backupJobs = new Map<string, Recorded>();
  readonly restoreJobs = new Map<string, Recorded>();
  copyJobs: Recorded[] = [];
  protectedResources: Recorded[] = [];
  optIns: Recorded = {};
  /** What a restore needs, by the ARN of the recovery point. */
  readonly metadata = new Map<string, Recorded>();
  /** What was said of tests of restore jobs, in order. */
  readonly validations: (Recorded & { readonly job: string })[] = [];
  /** Orders of jobs, in order; each gets the id of its place. */
  readonly ordered: Recorded[] = [];
  /** Every request, in order. */
  readonly asked: BackupRequest[] = [];
  /** The fault of a request, or undefined; called once for each. */
  faults: (request: BackupRequest, number: number) => BackupFault | undefined = () => undefined;
  private readonly server = http.createServer((request, response) => {
    void this.serve(request, response);
  });

  static async start(): Promise<SmallBackup> {
    const backup = new SmallBackup();
    await new Promise<void>((resolve) => backup.server.listen(0, '127.0.0.1', resolve));
    return backup;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A vault of that name, with recovery points as AWS lists them. */
  keep(name: string, points: readonly Recorded[] = [], info: Recorded = {}): void {
    this.vaults.set(name, {
      info: {
        BackupVaultName: name,
        BackupVaultArn: `${VAULTS}:${name}`,
        CreationDate: 1_700_000_000,
        NumberOfRecoveryPoints: points.length,
        ...info,
      },
      points: [...points],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const seen = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname).replace(/\/$/, ''),
      query: url.searchParams,
      body: Buffer.concat(chunks).toString(),
    };
    this.asked.push(seen);
    const fault = this.faults(seen, this.asked.length);
    if (fault === 'hang') return;
    if (fault === 'reset') request.socket.destroy();
    else if (fault === undefined) this.answer(seen, response);
    else if ('body' in fault) response.end(fault.body);
    else fail(response, fault.status, fault.name);
  }

  private answer(request: BackupRequest, response: http.ServerResponse): void {
    if (request.method === 'PUT') this.act(request, response);
    else this.tell(request, response);
  }

  private act({ path, body }: BackupRequest, response: http.ServerResponse): void {
    const [, kind = '', job, part] = path.split('/');
    const said = JSON.parse(body) as Recorded;
    if (part === 'validations') {
      this.validations.push({ ...said, job: job ?? '' });
      response.statusCode = 204;
      response.end();
      return;
    }
    this.ordered.push({ kind, ...said });
    const id = `00000000-0000-0000-0000-${String(this.ordered.length).padStart(12, '0')}`;
    send(response, kind === 'backup-jobs' ? { BackupJobId: id } : { RestoreJobId: id });
  }

  private tell({ path, query }: BackupRequest, response: http.ServerResponse): void {
    const [, kind = '', id, part] = path.split('/');
    if (path.endsWith('/restore-metadata')) {
      const point = path.split('/').slice(4, -1).join('/');
      const metadata = this.metadata.get(point);
      if (metadata === undefined) fail(response, 400, 'ResourceNotFoundException');
      else send(response, { RestoreMetadata: metadata });
    } else if (kind === 'backup-vaults' && id !== undefined) {
      const vault = this.vaults.get(id);
      if (vault === undefined) fail(response, 400, 'ResourceNotFoundException');
      else if (part === undefined) send(response, vault.info);
      else send(response, pageOf('RecoveryPoints', vault.points, query));
    } else if (kind === 'account-settings') {
      send(response, { ResourceTypeOptInPreference: this.optIns });
    } else if (kind === 'copy-jobs') {
      send(response, pageOf('CopyJobs', this.copyJobs, query));
    } else if (kind === 'resources') {
      send(response, pageOf('Results', this.protectedResources, query));
    } else {
      const jobs: Readonly<Record<string, ReadonlyMap<string, Recorded>>> = {
        'backup-jobs': this.backupJobs,
        'restore-jobs': this.restoreJobs,
      };
      const job = jobs[kind]?.get(id ?? '');
      if (job === undefined) fail(response, 400, 'ResourceNotFoundException');
      else send(response, job);
    }
  }
}

function pageOf(key: string, all: readonly Recorded[], query: URLSearchParams): Recorded {
  const after = query.get('createdAfter');
  const resource = query.get('resourceArn');
  const into = query.get('destinationVaultArn');
  const wanted = all.filter(
    (one) =>
      (resource === null || one['ResourceArn'] === resource) &&
      (into === null || one['DestinationBackupVaultArn'] === into) &&
      (after === null || Number(one['CreationDate']) * 1000 > Date.parse(after)),
  );
  const from = Number(query.get('nextToken') ?? 0);
  const to = from + Math.min(1000, Number(query.get('maxResults') ?? 1000));
  const page = { [key]: wanted.slice(from, to) };
  return to < wanted.length ? { ...page, NextToken: String(to) } : page;
}

function send(response: http.ServerResponse, value: Recorded): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function fail(response: http.ServerResponse, status: number, name: string): void {
  response.statusCode = status;
  response.setHeader('x-amzn-errortype', name);
  send(response, { Code: name, Message: 'a secret word of the request' });
}

/** A recovery point as a vault lists it. */
export function listedPoint(resource: string, created: Date, more: Recorded = {}): Recorded {
  const id = `${created.getTime()}-${resource.replaceAll(/\W+/g, '-').slice(-40)}`;
  return {
    RecoveryPointArn: `arn:aws:backup:eu-central-1:${BACKUP_ACCOUNT}:recovery-point:${id}`,
    ResourceArn: resource,
    ResourceType: 'DynamoDB',
    Status: 'COMPLETED',
    CreationDate: created.getTime() / 1000,
    CompletionDate: created.getTime() / 1000 + 60,
    BackupSizeInBytes: 1000,
    ...more,
  };
}
