// KMS, Lambda and Step Functions in this process, as much of them as the command line asks: real keys behind aliases, and functions and state
// machines that are given. test/functions/start-task.test.ts asks a whole Step Functions.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a function answers: its result, or the error that it fails with. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly errorType: string; readonly errorMessage: string } };

export class SmallServices implements AsyncDisposable {
  /** By alias; what is not here, KMS does not find. */
  readonly keys = new Map<string, KeyObject>();
  /** By name; what is not here, Lambda does not find. */
  readonly functions = new Map<string, (event: unknown) => Promise<Answer>>();
  /** By name; each fulfils where its execution succeeds, and rejects where it fails. What is not here, Step Functions does not find. */
  readonly machines = new Map<string, (event: unknown) => Promise<void>>();
  /** How executions stand, by their ARNs. */
  private readonly executions = new Map<string, 'RUNNING' | 'SUCCEEDED' | 'FAILED'>();
  /** Names of operations, in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** When true, every call is refused. */
  denies = false;
  private readonly server = http.createServer((request, response) => {
    void this.answer(request, response);
  });

  static async start(): Promise<SmallServices> {
    const services = new SmallServices();
    await new Promise<void>((resolve) => services.server.listen(0, '127.0.0.1', resolve));
    return services;
  }

  /** For processes that are to ask these services. */
  get env(): Record<string, string> {
    const { port } = this.server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    return {
      AWS_ENDPOINT_URL_KMS: endpoint,
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
      AWS_ENDPOINT_URL_SFN: endpoint,
    };
  }

  /** A new key behind `alias`; its private half. */
  makeKey(alias: string): KeyObject {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.keys.set(alias, privateKey);
    return privateKey;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '')?.[1];
    this.asked.push(
      name === undefined ? String(request.headers['x-amz-target']) : `Invoke ${name}`,
    );
    const step = /^AWSStepFunctions\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1];
    if (this.denies) fail(response, 400, 'AccessDeniedException');
    else if (step !== undefined) this.step(step, body as Record<string, string>, response);
    else if (name === undefined) this.publicKey(String(body['KeyId']), response);
    else await this.invoke(decodeURIComponent(name), body, response);
  }

  private step(
    operation: string,
    body: Readonly<Record<string, string>>,
    response: http.ServerResponse,
  ): void {
    if (operation === 'ListStateMachines') this.listMachines(response);
    else if (operation === 'DescribeExecution') {
      this.describeExecution(body['executionArn'] ?? '', response);
    } else this.startExecution(body, response);
  }

  private listMachines(response: http.ServerResponse): void {
    const stateMachines = [...this.machines.keys()].map((name) => ({
      name,
      stateMachineArn: `arn:aws:states:us-east-1:123456789012:stateMachine:${name}`,
      type: 'STANDARD',
      creationDate: 0,
    }));
    send(response, { stateMachines });
  }

  private describeExecution(arn: string, response: http.ServerResponse): void {
    const status = this.executions.get(arn);
    if (status === undefined) fail(response, 400, 'ExecutionDoesNotExist');
    else send(response, { status, ...(status === 'FAILED' && { error: 'States.TaskFailed' }) });
  }

  /** Of a name that is known, the execution that runs is answered again, and one that has ended is refused. */
  private startExecution(
    { stateMachineArn = '', name = '', input = '{}' }: Readonly<Record<string, string>>,
    response: http.ServerResponse,
  ): void {
    const act = this.machines.get(stateMachineArn.split(':').at(-1) ?? '');
    const executionArn = `${stateMachineArn.replace('stateMachine', 'execution')}:${name}`;
    const known = this.executions.get(executionArn);
    if (act === undefined) fail(response, 400, 'StateMachineDoesNotExist');
    else if (known !== undefined && known !== 'RUNNING') {
      fail(response, 400, 'ExecutionAlreadyExists');
    } else {
      if (known === undefined) this.execute(executionArn, act(JSON.parse(input)));
      send(response, { executionArn, startDate: 0 });
    }
  }

  private execute(arn: string, work: Promise<void>): void {
    this.executions.set(arn, 'RUNNING');
    void work.then(
      () => this.executions.set(arn, 'SUCCEEDED'),
      () => this.executions.set(arn, 'FAILED'),
    );
  }

  private publicKey(alias: string, response: http.ServerResponse): void {
    const key = this.keys.get(alias);
    if (key === undefined) {
      fail(response, 400, 'NotFoundException');
      return;
    }
    const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
    send(response, { KeyId: alias, PublicKey: der.toString('base64'), KeyUsage: 'SIGN_VERIFY' });
  }

  private async invoke(name: string, event: unknown, response: http.ServerResponse): Promise<void> {
    const act = this.functions.get(name);
    if (act === undefined) {
      fail(response, 404, 'ResourceNotFoundException');
      return;
    }
    const answer = await act(event);
    if ('error' in answer) response.setHeader('x-amz-function-error', 'Unhandled');
    send(response, 'error' in answer ? answer.error : answer.result);
  }
}

function send(response: http.ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/x-amz-json-1.1');
  response.end(JSON.stringify(value));
}

function fail(response: http.ServerResponse, status: number, type: string): void {
  response.statusCode = status;
  response.setHeader('x-amzn-errortype', type);
  send(response, { __type: type, message: type });
}
