// A mail server that keeps what it got (RFC 5321), and refuses what it is told to refuse.
import net, { type AddressInfo, type Socket } from 'node:net';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, without the dots that the protocol adds. */
  readonly data: string;
}

export interface SmallSmtp extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** Of each command its first word. */
  readonly commands: readonly string[];
  /** The answer to a command instead of the usual one; of RCPT only to this address. Undefined: never any. */
  refuse(command: string, answer: string | undefined): void;
}

export async function startSmtp({ auth = '' }: { auth?: string } = {}): Promise<SmallSmtp> {
  const mails: Mail[] = [];
  const commands: string[] = [];
  const refusals = new Map<string, string | undefined>();
  const server = net.createServer((socket) => serve(socket, { mails, commands, refusals, auth }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    commands,
    refuse: (command, answer) => {
      refusals.set(command, answer);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Served {
  readonly mails: Mail[];
  readonly commands: string[];
  readonly refusals: ReadonlyMap<string, string | undefined>;
  readonly auth: string;
}

function serve(socket: Socket, { mails, commands, refusals, auth }: Served): void {
  let pending = '';
  let data: string[] | undefined;
  let [from, to]: [string, string[]] = ['', []];
  const say = (line: string) => socket.write(`${line}\r\n`);
  const answer = (key: string, usual: string) => {
    const own = refusals.has(key) ? refusals.get(key) : usual;
    if (own !== undefined) say(own);
    return own?.startsWith('2') === true || own?.startsWith('3') === true;
  };
  const commandsOf: Readonly<Record<string, (line: string, address: string) => void>> = {
    EHLO: () => void answer('EHLO', auth === '' ? '250 here' : '250-here\r\n250 AUTH PLAIN'),
    AUTH: (line) => {
      const given = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
      say(given === `\0${auth.replace(':', '\0')}` ? '235 come in' : '535 who are you');
    },
    MAIL: (_line, address) => {
      [from, to] = [address, []];
      answer('MAIL', '250 fine');
    },
    RCPT: (_line, address) => {
      if (answer(`RCPT ${address}`, '250 fine')) to.push(address);
    },
    DATA: () => {
      if (answer('DATA', '354 go on')) data = [];
    },
    QUIT: () => {
      say('221 bye');
      socket.end();
    },
  };
  const endOfData = (lines: readonly string[]) => {
    data = undefined;
    if (answer('END', '250 kept')) mails.push({ from, to, data: lines.join('\r\n') });
  };
  const take = (line: string): void => {
    if (data !== undefined) {
      if (line === '.') endOfData(data);
      else data.push(line.replace(/^\./, ''));
      return;
    }
    const [word = ''] = line.split(' ');
    commands.push(word);
    const act = commandsOf[word];
    if (act === undefined) say('250 fine');
    else act(line, /<([^>]*)>/.exec(line)?.[1] ?? '');
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 2);
      take(line);
    }
  });
  answer('GREETING', '220 ready');
}
