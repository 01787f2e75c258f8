import { fileURLToPath } from 'node:url'
import { versionIn } from '@countersign/fetch/internal'

// The published command is a bundle in a folder beside `dist`, so that these files are found from a module of the first level only.

/** The file that starts the command. */
export const commandFile: string = fileURLToPath(new URL('../bin/countersign.js', import.meta.url))

/** The version of this package. */
export function ownVersion(): string {
  return versionIn(new URL('../package.json', import.meta.url))
}
