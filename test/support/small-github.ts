// A small GitHub: the parts of its REST API that reading a repository takes, over a real git repository, with downloads from another
// origin as GitHub has them.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export const TOKEN = 'github-token-that-nobody-may-see';
/** Stands in the address of a download, as GitHub's does for private repositories. */
export const DOWNLOAD_TOKEN = 'token-of-a-download';

export interface SeenRequest {
  readonly path: string;
  readonly authorization: string | undefined;
}

/** Answers in the server's place, or returns false. */
export type Interference = (path: string, response: http.ServerResponse) => boolean;

export class SmallGithub implements AsyncDisposable {
  api = '';
  readonly asked: SeenRequest[] = [];
  readonly downloaded: SeenRequest[] = [];
  interfere: Interference = () => false;
  private downloads = '';
  private readonly folder: string;
  private readonly servers: http.Server[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param folder - a git repository; the server calls it `acme/site` */
  static async start(folder: string): Promise<SmallGithub> {
    const github = new SmallGithub(folder);
    github.downloads = await github.serve(
      (path, response) => github.download(path, response),
      github.downloaded,
    );
    github.api = await github.serve(
      (path, response) => github.answer(path, response),
      github.asked,
    );
    return github;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  git(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: this.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  }

  private async serve(
    answer: (path: string, response: http.ServerResponse) => void,
    seen: SeenRequest[],
  ): Promise<string> {
    const server = http.createServer(({ url: path = '', headers }, response) => {
      seen.push({ path, authorization: headers.authorization });
      if (!this.interfere(path, response)) answer(path, response);
    });
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  private answer(path: string, response: http.ServerResponse): void {
    const inside = /^\/repos\/acme\/site(\/.*)?$/.exec(path);
    if (inside === null) {
      response.writeHead(404).end();
      return;
    }
    const [, what = '', rest = ''] = /^\/(commits|tarball|git)\/(.*)$/.exec(inside[1] ?? '') ?? [];
    const name = decodeURIComponent(rest);
    try {
      if (what === '') response.end(JSON.stringify({ default_branch: 'main' }));
      else if (what === 'commits')
        response.end(this.git('rev-parse', '--verify', `${name}^{commit}`));
      else if (what === 'tarball') {
        response
          .writeHead(302, { location: `${this.downloads}/${name}?token=${DOWNLOAD_TOKEN}` })
          .end();
      } else if (name.startsWith('ref/')) {
        this.git('show-ref', '--verify', name.replace('ref/', 'refs/'));
        response.end('{}');
      } else response.end(JSON.stringify(this.tree(name.replace(/^trees\/(.*)\?.*$/, '$1'))));
    } catch {
      response.writeHead(what === 'commits' ? 422 : 404).end();
    }
  }

  private tree(commit: string): { tree: object[]; truncated: boolean } {
    const lines = this.git('ls-tree', '-r', '-t', '-z', commit).split('\0').filter(Boolean);
    const tree = lines.map((line) => {
      const [, type, sha, path] = /^\d+ (\w+) (\w+)\t(.*)$/s.exec(line) ?? [];
      return { type, sha, path };
    });
    return { tree, truncated: false };
  }

  private download(path: string, response: http.ServerResponse): void {
    const commit = /^\/(\w+)/.exec(path)?.[1] ?? '';
    response.end(
      execFileSync(
        'git',
        ['archive', '--format=tar.gz', `--prefix=acme-site-${commit.slice(0, 7)}/`, commit],
        {
          cwd: this.folder,
          maxBuffer: 1 << 28,
        },
      ),
    );
  }
}
