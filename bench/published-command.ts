import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The `countersign` command as it is published, in a folder of the checkout, where it finds what is not in its bundle. */
export interface PublishedCommand {
  readonly folder: string
  /** The file that starts it. */
  readonly file: string
  /** The module with its `start`. */
  readonly module: string
}

/** Bundles the command of this checkout. Its folder goes when this process ends, also where a bench fails. */
export function publishedCommand(): PublishedCommand {
  mkdirSync(join(root, '.countersign'), { recursive: true })
  const folder = mkdtempSync(join(root, '.countersign/bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  execFileSync(process.execPath, [join(root, 'scripts/bundle.mjs'), folder])
  return {
    folder,
    file: join(folder, 'bin/countersign.js'),
    module: join(folder, 'bundle/countersign.js'),
  }
}
