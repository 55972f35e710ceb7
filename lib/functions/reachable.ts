// Whether the services that a function or a task needs can be reached from the network that it runs in. Asked before anything waits for them.
import net from 'node:net';
import process from 'node:process';
import { HoldfastError } from '../errors.ts';
import type { RunsOn } from '../names/aws.ts';

/** A service, as its host is called, and the endpoint by which a VPC reaches it. */
const SERVICES = {
  s3: { variable: 'S3', endpoint: 'a gateway endpoint for S3, which costs nothing' },
  kms: { variable: 'KMS', endpoint: 'an interface endpoint for KMS' },
  monitoring: { variable: 'CLOUDWATCH', endpoint: 'an interface endpoint for CloudWatch' },
  secretsmanager: {
    variable: 'SECRETS_MANAGER',
    endpoint: 'an interface endpoint for Secrets Manager',
  },
  ssm: { variable: 'SSM', endpoint: 'an interface endpoint for Systems Manager' },
} as const;
export type Service = keyof typeof SERVICES;

/** A packet that is dropped is not answered; one that arrives is answered in milliseconds. */
const PATIENCE_MS = 5_000;

let reached = '';

/**
 * Opens a connection to each service, once per process. `STORE_UNAVAILABLE` when one of them cannot be reached: it names them, and
 * what a network needs for that.
 */
export async function assertReachable(
  services: readonly Service[],
  { region, signal, runsOn }: { region: string; signal: AbortSignal; runsOn: RunsOn },
): Promise<void> {
  const addresses = services.map((service) => [service, addressOf(service, region)] as const);
  const key = JSON.stringify(addresses);
  if (reached === key) return;
  const tried = await Promise.all(
    addresses.map(async ([service, address]) =>
      (await answers(address, signal)) ? [] : [service],
    ),
  );
  const missing = tried.flat();
  if (missing.length > 0) throw unreachable(missing, runsOn);
  reached = key;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where the SDK finds a service: at the endpoint that its variables name, or at its own. */
function addressOf(service: Service, region: string): Address {
  const { variable } = SERVICES[service];
  const named =
    process.env[`AWS_ENDPOINT_URL_${variable}`] ?? process.env['AWS_ENDPOINT_URL'] ?? '';
  if (named === '') return { host: `${service}.${region}.amazonaws.com`, port: 443 };
  const { hostname, port, protocol } = new URL(named);
  return { host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) };
}

function answers({ host, port }: Address, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      signal.removeEventListener('abort', refuse);
      resolve(answer);
    };
    const refuse = () => end(false);
    socket.setTimeout(PATIENCE_MS, refuse);
    socket.once('connect', () => end(true)).once('error', refuse);
    signal.addEventListener('abort', refuse);
  });
}

const NETWORKS = {
  function: 'aws.databases.vpc',
  task: 'aws.tasks.vpc, or without it in aws.databases.vpc,',
} as const satisfies Record<RunsOn, string>;

function unreachable(missing: readonly Service[], runsOn: RunsOn): HoldfastError {
  const needed = missing.map((service) => SERVICES[service].endpoint).join(', ');
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `from the network of this ${runsOn} ${missing.join(', ')} cannot be reached within ${PATIENCE_MS / 1000} seconds`,
    {
      hint: `The subnets in ${NETWORKS[runsOn]} need a NAT, or ${needed}; and the security groups let 443 out, and those of the endpoints let it in.`,
    },
  );
}
