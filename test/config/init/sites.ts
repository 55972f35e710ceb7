// Small sites of each form that `init` knows, and what it must make of them.
const json = (value: object) => JSON.stringify(value);
const npm = (name: string, dependencies: readonly string[], rest: object = {}) =>
  json({
    name,
    scripts: { build: 'build' },
    dependencies: Object.fromEntries(dependencies.map((one) => [one, '1.0.0'])),
    ...rest,
  });

export interface Site {
  readonly name: string;
  /** As `init` calls it. */
  readonly text: string;
  /** Files that a backup must have, with their texts. */
  readonly kept: Readonly<Record<string, string>>;
  /** Files that a build or an installation makes again: no backup has them. */
  readonly built: readonly string[];
  readonly content: readonly string[];
  /** Some of what sets the site up. */
  readonly configuration: readonly string[];
  readonly uploads?: readonly string[];
  readonly afterRestore: readonly string[];
  /** The variable of the source for PostgreSQL. */
  readonly database?: string;
  /** The databases that are named and not backed up. */
  readonly unsupported?: readonly string[];
}

export const SITES: readonly Site[] = [
  {
    name: 'Next.js',
    text: 'a Next.js site',
    kept: {
      'package.json': npm('shop', ['next']),
      'package-lock.json': '{}',
      'next.config.ts': '',
      'content/a.mdx': '',
      'public/logo.svg': '',
      'app/out/page.tsx': '',
    },
    built: [
      '.next/BUILD_ID',
      'out/index.html',
      'node_modules/next/index.js',
      '.turbo/x',
      '.vercel/x',
    ],
    content: ['content', 'public'],
    configuration: ['package.json', 'next.config.*'],
    afterRestore: ['npm ci', 'npm run build'],
  },
  {
    name: 'Astro',
    text: 'an Astro site',
    kept: {
      'package.json': npm('blog', ['astro'], { packageManager: 'pnpm@10.1.0' }),
      'pnpm-lock.yaml': '',
      'astro.config.mjs': "export default { outDir: './web' };",
      '.gitignore': 'web/\n',
      'src/content/posts/a.md': '',
      'src/assets/a.png': '',
      'src/pages/index.astro': '',
      'public/robots.txt': '',
    },
    built: ['dist/index.html', 'web/index.html', '.astro/types.d.ts'],
    content: ['public', 'src/assets', 'src/content', 'src/pages'],
    configuration: ['package.json', 'pnpm-lock.yaml', 'astro.config.*'],
    afterRestore: ['pnpm install --frozen-lockfile', 'pnpm run build'],
  },
  {
    name: 'Hugo',
    text: 'a Hugo site',
    kept: {
      'hugo.toml': "baseURL = 'https://example.com'\n",
      'content/_index.md': '',
      'static/favicon.ico': '',
      'assets/main.css': '',
      'data/team.yaml': '',
      'layouts/index.html': '',
      'archetypes/default.md': '',
      'content/public/page.md': '',
    },
    built: ['public/index.html', 'resources/_gen/a.json', '.hugo_build.lock'],
    content: ['assets', 'content', 'data', 'static'],
    configuration: ['hugo.*', 'archetypes'],
    afterRestore: ['hugo'],
  },
  {
    name: 'Jekyll',
    text: 'a Jekyll site',
    kept: {
      '_config.yml': 'title: Blog\n',
      Gemfile: "source 'https://rubygems.org'\ngem \"jekyll\", '~> 4'\n",
      'Gemfile.lock': '',
      '_posts/2026-01-01-a.md': '',
      '_data/team.yml': '',
      'assets/a.png': '',
    },
    built: ['_site/index.html', '.jekyll-cache/x', '.sass-cache/x', 'vendor/bundle/ruby/a.rb'],
    content: ['_data', '_posts', 'assets'],
    configuration: ['Gemfile', 'Gemfile.lock', '_config*.*'],
    afterRestore: ['bundle install', 'bundle exec jekyll build'],
  },
  {
    name: 'Eleventy',
    text: 'an Eleventy site',
    kept: {
      'package.json': json({ name: 'blog', devDependencies: { '@11ty/eleventy': '3.0.0' } }),
      'yarn.lock': '',
      'eleventy.config.js': "export default () => ({ dir: { input: 'src', output: 'www' } });",
      '.gitignore': '/www\n_site\n',
      'src/posts/a.md': '',
      'posts/b.md': '',
    },
    built: ['_site/index.html', 'www/index.html', 'node_modules/x/index.js'],
    content: ['posts', 'src/posts'],
    configuration: ['eleventy.config.*', 'yarn.lock'],
    afterRestore: ['yarn install --frozen-lockfile'],
  },
  {
    name: 'Gatsby',
    text: 'a Gatsby site',
    kept: {
      'package.json': npm('blog', ['gatsby']),
      'yarn.lock': '',
      '.yarnrc.yml': 'nodeLinker: node-modules\n',
      'gatsby-config.ts': '',
      'content/a.md': '',
      'static/logo.png': '',
    },
    built: ['public/index.html', '.cache/x'],
    content: ['content', 'static'],
    configuration: ['gatsby-*.*'],
    afterRestore: ['yarn install --immutable', 'yarn run build'],
  },
  {
    name: 'SvelteKit',
    text: 'a SvelteKit site',
    kept: {
      'package.json': npm('shop', ['@sveltejs/kit', 'vite']),
      'bun.lock': '',
      'svelte.config.js': '',
      'vite.config.ts': '',
      'static/favicon.png': '',
      'drizzle.config.ts':
        "export default { dialect: 'postgresql', dbCredentials: { url: process.env.DATABASE_URL! } };",
    },
    built: ['.svelte-kit/x.js', 'build/index.js'],
    content: ['static'],
    configuration: ['svelte.config.*', 'vite.config.*', 'drizzle.config.*', 'bun.lock'],
    afterRestore: ['bun install --frozen-lockfile', 'bun run build'],
    database: 'DATABASE_URL',
  },
  {
    name: 'Nuxt',
    text: 'a Nuxt site',
    kept: {
      'package.json': npm('shop', ['nuxt', 'mongoose']),
      'nuxt.config.ts': '',
      'content/a.md': '',
      'public/a.png': '',
      '.data/kv/visitors': '',
    },
    built: ['.nuxt/x.ts', '.output/server/index.mjs', 'dist/index.html'],
    content: ['content', 'public'],
    configuration: ['nuxt.config.*'],
    afterRestore: ['npm install', 'npm run build'],
    unsupported: ['MongoDB'],
  },
  {
    name: 'Laravel',
    text: 'a Laravel site',
    kept: {
      artisan: '',
      'composer.json': json({ name: 'laravel/laravel', require: { 'laravel/framework': '^12.0' } }),
      'composer.lock': '{}',
      'package.json': npm('laravel', ['vite', 'laravel-vite-plugin']),
      'vite.config.js': '',
      'config/database.php': "'pgsql' => ['url' => env('DB_URL'), 'host' => env('DB_HOST')]",
      '.env.example': 'DB_CONNECTION=sqlite\n',
      'public/index.php': '',
      'public/uploads/a.jpg': '',
      'storage/app/public/invoice.pdf': '',
      'storage/framework/views/.gitignore': '*\n',
      'resources/views/welcome.blade.php': '',
    },
    built: [
      'vendor/laravel/framework/a.php',
      'public/build/manifest.json',
      'bootstrap/cache/config.php',
      'storage/framework/views/0a.php',
      'storage/framework/cache/data/aa/x',
      'node_modules/vite/x.js',
    ],
    content: ['public', 'resources/views'],
    configuration: ['composer.json', 'composer.lock', 'config', 'artisan'],
    uploads: ['public/uploads', 'storage/app'],
    afterRestore: ['composer install', 'npm install', 'npm run build'],
    database: 'DB_URL',
  },
  {
    name: 'WordPress',
    text: 'a WordPress site',
    kept: {
      'wp-config.php': '<?php define("DB_NAME", "wp"); define("DB_HOST", "localhost");',
      'wp-login.php': '',
      'wp-content/themes/mine/dist/app.js': '',
      'wp-content/themes/mine/package.json': npm('mine', ['vite']),
      'wp-content/plugins/shop/shop.php': '',
      'wp-content/uploads/2026/01/a.jpg': '',
      'wp-includes/version.php': '',
    },
    built: ['wp-content/cache/page.html', 'wp-content/upgrade/x.zip'],
    content: ['wp-content/themes', 'wp-content/uploads'],
    configuration: ['wp-config.php'],
    uploads: ['wp-content/uploads'],
    afterRestore: [],
    unsupported: ['MySQL or MariaDB'],
  },
  {
    name: 'Rails',
    text: 'a Rails site',
    kept: {
      Gemfile: "gem 'rails', '~> 8.0'\ngem 'pg'\ngem 'sqlite3', group: :test\n",
      'Gemfile.lock': '',
      'config/application.rb': '',
      'config.ru': '',
      'config/database.yml':
        'default: &default\n  adapter: postgresql\n  pool: <%= ENV.fetch("MAX") { 5 } %>\ntest:\n  adapter: sqlite3\nproduction:\n  <<: *default\n  url: <%= ENV["SHOP_DATABASE_URL"] %>\n',
      'config/locales/en.yml': '',
      'vendor/javascript/x.js': '',
      'storage/ab/cd/blob': '',
      'public/404.html': '',
      'app/views/home.html.erb': '',
    },
    built: ['tmp/cache/x', 'public/assets/app.js', 'app/assets/builds/app.css'],
    content: ['app/views', 'config/locales', 'public'],
    configuration: ['Gemfile', 'Gemfile.lock', 'config', 'config.ru'],
    uploads: ['storage'],
    afterRestore: ['bundle install'],
    database: 'SHOP_DATABASE_URL',
  },
  {
    name: 'Django',
    text: 'a Django site',
    kept: {
      'manage.py': '',
      'requirements.txt': 'Django==5.2\nmysqlclient\n',
      'pyproject.toml': '[project]\nname = "shop"\n',
      '.gitignore': 'staticfiles/\n',
      'shop/settings.py':
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql'}}\nSTATIC_ROOT = BASE_DIR / 'staticfiles'\n",
      'media/a.jpg': '',
      'static/a.css': '',
      'templates/base.html': '',
    },
    built: [
      '.venv/bin/python',
      'env/pyvenv.cfg',
      'env/bin/x',
      'shop/__pycache__/a.pyc',
      'staticfiles/a.css',
    ],
    content: ['static', 'templates'],
    configuration: ['requirements*', 'pyproject.toml', 'manage.py'],
    uploads: ['media'],
    afterRestore: ['python3 -m venv .venv', '.venv/bin/pip install -r requirements.txt'],
    unsupported: ['MySQL'],
  },
  {
    name: 'Turborepo',
    text: 'a Turborepo with a Vite site in apps/admin and a Next.js site in apps/web',
    kept: {
      'package.json': json({
        name: 'mono',
        packageManager: 'pnpm@10.1.0',
        scripts: { build: 'turbo run build' },
        devDependencies: { turbo: '2.0.0' },
      }),
      'pnpm-lock.yaml': '',
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*"\n  - packages/*\n',
      'turbo.json': '{}',
      '.gitignore': 'node_modules\ndist\n',
      'apps/web/package.json': npm('web', ['next']),
      'apps/web/public/a.png': '',
      'apps/web/content/a.mdx': '',
      'apps/admin/package.json': npm('admin', ['vite']),
      'packages/ui/package.json': npm('ui', ['react']),
      'packages/ui/src/button.tsx': '',
      'packages/db/package.json': json({ name: 'db' }),
      'packages/db/prisma/schema.prisma':
        'datasource db {\n  provider = "postgresql"\n  url = env("NEXT_PRIVATE_DATABASE_URL")\n  directUrl = env("NEXT_PRIVATE_DIRECT_DATABASE_URL")\n}\n',
      'docs/dist/handwritten.md': '',
    },
    built: [
      'apps/web/.next/x',
      'apps/web/.turbo/x',
      'apps/admin/dist/index.html',
      'packages/ui/dist/button.js',
      'packages/ui/node_modules/react/index.js',
    ],
    content: ['apps/web/content', 'apps/web/public'],
    configuration: ['turbo.json', 'pnpm-workspace.yaml', 'package.json'],
    afterRestore: ['pnpm install --frozen-lockfile', 'pnpm run build'],
    database: 'NEXT_PRIVATE_DIRECT_DATABASE_URL',
  },
];
