// Which packages the lists of Ruby and Python name. Pure.

/** The gems in the text of a Gemfile. */
export function gemsIn(text: string): ReadonlySet<string> {
  const found = text.matchAll(/^\s*gem\s*\(?\s*['"]([\w-]+)['"]/gm);
  return new Set([...found].map(([, gem = '']) => gem));
}

/** Whether a requirements.txt, a pyproject.toml or a Pipfile names the package `name`. */
export function namesPythonPackage(text: string, name: string): boolean {
  return new RegExp(`(?:^\\s*|["'])${name}(?![\\w.-])`, 'im').test(text);
}
