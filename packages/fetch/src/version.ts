import { readFileSync } from 'node:fs'

/** Returns the version of a package, from its package.json. */
export function versionIn(packageJson: URL): string {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }
  return version
}
