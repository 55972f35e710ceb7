// One session with a database, driven through psql: a question in, its answer out. The session lives as long as a transaction must.
import path from 'node:path';
import { HoldfastError, type ErrorCode } from '../../../errors.ts';
import { databaseArgument, type Connection } from './connection.ts';
import { startTool, type Confinement, type Tool } from './process.ts';
import { baseEnvironment, type Machine, type Tools } from './tools.ts';

export interface SessionInput {
  readonly machine: Machine;
  readonly tools: Pick<Tools, 'folder'>;
  readonly connection: Connection;
  readonly signal: AbortSignal | undefined;
  readonly failure: ErrorCode;
  readonly confinement?: Confinement | undefined;
  /** Names in the questions are looked up as the database is set up to; otherwise in the catalog alone. */
  readonly ownPath?: boolean;
}

/** A role that may create functions in a schema of the path could have ours call them, with the rights of the role that backs up. */
const CATALOG_ALONE = "SELECT pg_catalog.set_config('search_path', '', false) \\g /dev/null\n";

/** A role or a database may have set how long its sessions take at most: what is cut off for that is no restore and no proof. */
export const WITHOUT_TIMEOUTS =
  "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout') \\g /dev/null\n";

const MAX_ANSWER_BYTES = 64 << 20;

/** A session that answers. */
export class DatabaseSession implements AsyncDisposable {
  private readonly tool: Tool;
  private readonly input: SessionInput;
  private readonly output: AsyncIterator<Buffer>;
  private rest = '';
  private asked = 0;

  constructor(input: SessionInput) {
    this.input = input;
    const { machine, tools, connection } = input;
    this.tool = startTool({
      file: path.join(tools.folder, 'psql'),
      args: [
        ...['-X', '-q', '-A', '-t', '-w', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
        `--dbname=${databaseArgument(connection)}`,
      ],
      env: { ...baseEnvironment(machine), ...connection.env, PGCLIENTENCODING: 'UTF8' },
      signal: input.signal,
      secrets: [connection.password],
      failure: input.failure,
      what: `the session with ${connection.label}`,
      confinement: input.confinement,
    });
    this.tool.stdin.write(WITHOUT_TIMEOUTS);
    if (input.ownPath !== true) this.tool.stdin.write(CATALOG_ALONE);
    this.tool.stdout.setEncoding('utf8');
    this.output = this.tool.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** From now on names in the questions are looked up in the catalog alone. */
  async nameFromCatalog(): Promise<void> {
    await this.ask(CATALOG_ALONE);
  }

  /** Runs SQL and gives what it printed, without the newline at its end. Rejects when it fails: the session is over then. */
  async ask(sql: string): Promise<string> {
    const mark = `holdfast-answered-${this.asked++}`;
    // A question of its own line, so that no answer can be taken for the mark that follows it.
    this.tool.stdin.write(`${sql}\n;\n\\echo\n\\echo ${mark}\n`);
    const end = `\n${mark}\n`;
    for (;;) {
      const at = this.rest.indexOf(end);
      if (at >= 0) {
        const answer = this.rest.slice(0, at);
        this.rest = this.rest.slice(at + end.length);
        return answer.replace(/\n$/, '');
      }
      const next = await this.output.next();
      if (next.done === true) {
        await this.tool.ended;
        throw new HoldfastError(this.input.failure, 'the session ended before it had answered');
      }
      this.rest += String(next.value);
      if (this.rest.length > MAX_ANSWER_BYTES) {
        this.tool.kill();
        throw new HoldfastError(this.input.failure, 'an answer of the database is too long');
      }
    }
  }

  /** The answer as JSON. */
  async json<T>(sql: string): Promise<T> {
    return JSON.parse(await this.ask(sql)) as T;
  }

  /** Ends the session as it should end. */
  async close(): Promise<void> {
    this.tool.stdin.end();
    while ((await this.output.next()).done !== true);
    await this.tool.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tool.kill();
    await this.tool.ended.catch(() => undefined);
  }
}

/** SQL: no limit that a role or a database has may end a transaction that lasts as long as a dump; older servers have fewer. */
export function patience(lockSeconds: number): string {
  return `SET statement_timeout = 0; SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN '${lockSeconds}s' ELSE '0' END, false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`;
}

/** A word that SQL takes as a string. */
export function literal(text: string): string {
  return text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}

/** A word that SQL takes as a name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The name that SQL writes as this word. */
export function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
}
