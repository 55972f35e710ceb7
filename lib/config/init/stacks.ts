// The table of what sites are made with: how each is recognised, and what of it is built, written by people, or setting it up.

/** What a package is made with. Paths and globs are relative to the folder of the package. */
export interface Stack {
  readonly id: string;
  /** As in "a Next.js site". */
  readonly title: string;
  /** One of these is enough. */
  readonly signs: {
    /** Dependencies in package.json. */
    readonly npm?: readonly string[];
    /** Packages in composer.json. */
    readonly composer?: readonly string[];
    /** Gems in the Gemfile. */
    readonly gems?: readonly string[];
    /** Packages in requirements*.txt, pyproject.toml or a Pipfile. */
    readonly python?: readonly string[];
    /** Files and folders; those of one entry must all be there. */
    readonly paths?: readonly (readonly string[])[];
  };
  /**
   * What an installation or a build makes again. A name without a slash is left out at any depth, as where no person would use
   * it for something else; `public/**` only in the folder of the package.
   */
  readonly built: readonly string[];
  /**
   * Where a configuration file may say that a build goes elsewhere: the first group of `pattern` is a folder. It is left out
   * only where git ignores it, too: what somebody sends a build into may hold more than the build.
   */
  readonly builtInto?: { readonly files: RegExp; readonly pattern: RegExp };
  /** What is written while the site runs: listed when it changes under a backup, but no reason to call that partial. */
  readonly live?: readonly string[];
  /** Where editors write. Folders that do not exist do not matter. */
  readonly content: readonly string[];
  readonly configuration: readonly string[];
  /** Where the site itself stores what users send. */
  readonly uploads?: readonly string[];
  /** Stacks that are but a part of this one, and not worth a word beside it. */
  readonly covers?: readonly string[];
}

// The most telling first: `init` calls the site by the first that fits.
export const STACKS: readonly Stack[] = [
  {
    id: 'wordpress',
    title: 'a WordPress site',
    signs: {
      composer: ['roots/wordpress', 'johnpbloch/wordpress', 'roots/wordpress-no-content'],
      paths: [['wp-config.php'], ['wp-login.php', 'wp-includes'], ['wp-content/themes']],
    },
    built: [
      'wp-content/cache/**',
      'wp-content/upgrade/**',
      'wp-content/wflogs/**',
      'web/app/cache/**',
      'web/app/upgrade/**',
      'web/wp/**',
    ],
    live: ['wp-content/debug.log', 'web/app/debug.log'],
    content: ['wp-content/uploads', 'wp-content/themes', 'web/app/uploads', 'web/app/themes'],
    configuration: ['wp-config.php', '.htaccess', 'wp-cli.yml', 'config', 'web/wp-config.php'],
    uploads: ['wp-content/uploads', 'web/app/uploads'],
    covers: ['vite'],
  },
  {
    id: 'laravel',
    title: 'a Laravel site',
    signs: { composer: ['laravel/framework'], paths: [['artisan']] },
    built: [
      'public/build/**',
      'public/hot',
      'bootstrap/cache/*.php',
      'storage/framework/cache/data/**',
      'storage/framework/views/*.php',
      'storage/framework/testing/**',
    ],
    live: ['storage/logs/**', 'storage/framework/sessions/**'],
    content: ['content', 'resources/markdown', 'resources/content', 'resources/views', 'public'],
    configuration: ['artisan', 'config', 'bootstrap', 'routes', 'phpunit.xml*'],
    uploads: ['storage/app', 'public/uploads', 'public/media', 'public/img/storage'],
    covers: ['vite'],
  },
  {
    id: 'rails',
    title: 'a Rails site',
    signs: { gems: ['rails'], paths: [['config/application.rb', 'config.ru']] },
    built: [
      'tmp/**',
      'public/assets/**',
      'public/packs/**',
      'public/vite*/**',
      'app/assets/builds/**',
      'vendor/bundle/**',
    ],
    live: ['log/**'],
    content: ['content', 'app/content', 'app/views', 'public', 'config/locales'],
    configuration: ['config', 'config.ru', 'Rakefile', 'Procfile*'],
    uploads: ['storage', 'public/uploads', 'public/system'],
    covers: ['vite'],
  },
  {
    id: 'django',
    title: 'a Django site',
    signs: { python: ['django'], paths: [['manage.py']] },
    built: [],
    builtInto: {
      files: /(?:^|\/)settings(?:\/\w+)?\.py$/,
      pattern:
        /^\s*STATIC_ROOT\s*=\s*(?:(?:\w+\s*\/\s*)+|os\.path\.join\(\s*\w+\s*,\s*)['"]([\w./-]+)['"]/m,
    },
    live: ['logs/**'],
    content: ['content', 'static', 'templates', 'locale', 'fixtures'],
    configuration: ['manage.py', 'setup.cfg', 'tox.ini'],
    uploads: ['media', 'uploads', 'mediafiles'],
    covers: ['vite'],
  },
  {
    id: 'nextjs',
    title: 'a Next.js site',
    signs: { npm: ['next'], paths: [['next.config.*']] },
    built: ['.next', 'out/**', '.vercel', '.swc'],
    builtInto: { files: /^next\.config\./, pattern: /\bdistDir\s*:\s*['"]([\w./-]+)['"]/ },
    content: ['mdx'],
    configuration: ['next.config.*', 'middleware.*', 'components.json'],
    covers: ['vite'],
  },
  {
    id: 'astro',
    title: 'an Astro site',
    signs: { npm: ['astro'], paths: [['astro.config.*']] },
    built: ['.astro', 'dist/**', '.vercel'],
    builtInto: { files: /^astro\.config\./, pattern: /\boutDir\s*:\s*['"]([\w./-]+)['"]/ },
    content: ['src/assets', 'src/data', 'src/pages'],
    configuration: ['astro.config.*', 'src/content.config.*', 'src/content/config.*'],
    covers: ['vite'],
  },
  {
    id: 'gatsby',
    title: 'a Gatsby site',
    signs: { npm: ['gatsby'], paths: [['gatsby-config.*']] },
    built: ['public/**', '.cache/**'],
    content: ['src/images', 'src/data', 'src/pages'],
    configuration: ['gatsby-*.*'],
  },
  {
    id: 'eleventy',
    title: 'an Eleventy site',
    signs: { npm: ['@11ty/eleventy'], paths: [['.eleventy.js'], ['eleventy.config.*']] },
    built: ['_site/**'],
    builtInto: {
      files: /^\.?eleventy\./,
      pattern: /\boutput\s*:\s*['"]([\w./-]+)['"]/,
    },
    content: ['src/_data', '_data', 'img', 'src/img', 'src/assets', 'src/blog'],
    configuration: ['.eleventy.js', '.eleventyignore', 'eleventy.config.*'],
    covers: ['vite'],
  },
  {
    id: 'sveltekit',
    title: 'a SvelteKit site',
    signs: { npm: ['@sveltejs/kit'] },
    built: ['.svelte-kit', 'build/**', '.vercel'],
    content: ['src/lib/assets', 'src/lib/content'],
    configuration: ['svelte.config.*'],
    covers: ['vite'],
  },
  {
    id: 'nuxt',
    title: 'a Nuxt site',
    signs: { npm: ['nuxt'], paths: [['nuxt.config.*']] },
    built: ['.nuxt', '.output', '.nitro', 'dist/**', '.vercel'],
    content: ['app/assets'],
    configuration: ['nuxt.config.*', 'content.config.*'],
    covers: ['vite'],
  },
  {
    id: 'hugo',
    title: 'a Hugo site',
    signs: {
      paths: [
        ['hugo.*'],
        ['config/_default', 'content'],
        ['config.toml', 'archetypes'],
        ['config.toml', 'layouts', 'content'],
        ['config.yaml', 'archetypes'],
      ],
    },
    built: ['public/**', 'resources/_gen/**', '.hugo_build.lock'],
    builtInto: {
      files: /^(?:hugo|config)\./,
      pattern: /^\s*['"]?publishDir['"]?\s*[:=]\s*['"]?([\w./-]+)/im,
    },
    content: ['static', 'data', 'i18n'],
    configuration: ['hugo.*', 'config', 'config.*', 'archetypes', 'go.mod', 'go.sum'],
  },
  {
    id: 'jekyll',
    title: 'a Jekyll site',
    signs: { gems: ['jekyll', 'github-pages'], paths: [['_config.yml', '_posts']] },
    built: ['_site/**', '.jekyll-cache', '.jekyll-metadata', '.sass-cache', 'vendor/bundle/**'],
    builtInto: { files: /^_config\./, pattern: /^destination\s*:\s*['"]?([\w./-]+)/m },
    content: ['_posts', '_drafts', '_pages', '_data', 'collections', 'img'],
    configuration: ['_config*.*', 'CNAME', '*.gemspec'],
  },
  {
    id: 'vite',
    title: 'a Vite site',
    signs: { npm: ['vite'], paths: [['vite.config.*']] },
    built: ['dist/**', '.vercel'],
    builtInto: { files: /^vite\.config\./, pattern: /\boutDir\s*:\s*['"]([\w./-]+)['"]/ },
    content: ['src/assets'],
    configuration: [],
  },
  {
    id: 'turborepo',
    title: 'a Turborepo',
    signs: { npm: ['turbo'], paths: [['turbo.json']] },
    built: ['.turbo'],
    content: [],
    configuration: ['turbo.json'],
  },
];

/** Where editors write on sites of any kind. */
export const USUAL_CONTENT: readonly string[] = [
  'content',
  'contents',
  'posts',
  'blog',
  'images',
  'assets',
  'static',
  'public',
  'src/content',
  'src/posts',
];

/** Where sites of any kind store what users send. */
export const USUAL_UPLOADS: readonly string[] = [
  'uploads',
  'media',
  'public/uploads',
  'public/media',
  'static/uploads',
  'data/uploads',
];

/** What an installation or a build makes again, by the file that leads to it. */
export const USUAL_BUILT: readonly { readonly by: string; readonly built: readonly string[] }[] = [
  { by: 'package.json', built: ['node_modules', 'coverage/**', '.turbo'] },
  { by: 'cdk.json', built: ['cdk.out'] },
  { by: 'composer.json', built: ['vendor/**'] },
  { by: 'requirements*.txt', built: ['__pycache__', '.venv'] },
  { by: 'pyproject.toml', built: ['__pycache__', '.venv'] },
  { by: 'Pipfile', built: ['__pycache__', '.venv'] },
  { by: 'manage.py', built: ['__pycache__', '.venv'] },
];

/**
 * What sets sites of any kind up. A glob stands for what may have several endings. There is no .npmrc: a file that is named is
 * taken even where it holds a token.
 */
export const USUAL_CONFIGURATION: readonly string[] = [
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'turbo.json',
  'cdk.json',
  'composer.json',
  'composer.lock',
  'Gemfile',
  'Gemfile.lock',
  'requirements*',
  'pyproject.toml',
  'poetry.lock',
  'uv.lock',
  'Pipfile',
  'Pipfile.lock',
  '.nvmrc',
  '.node-version',
  '.ruby-version',
  '.python-version',
  '.tool-versions',
  'vite.config.*',
  'tsconfig*.json',
  'jsconfig.json',
  'postcss.config.*',
  'tailwind.config.*',
  'eslint.config.*',
  '.prettierrc*',
  'prisma',
  'drizzle.config.*',
  '.env.example',
  '.env.sample',
  '.env.template',
  '.github',
  '.gitlab-ci.yml',
  'Dockerfile*',
  'docker-compose*.y*ml',
  'compose*.y*ml',
  'vercel.json',
  'netlify.toml',
  'fly.toml',
  'render.yaml',
  'amplify.yml',
  'buildspec.yml',
  'Makefile',
];
