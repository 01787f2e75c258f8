import { readFileSync, statSync } from 'node:fs'
import { shown, UsageError } from '@countersign/fetch/internal'

/** The largest file of a proof, a checkpoint or a key. */
const mostBytes = 256 * 1024

/**
 * The text of a small file.
 * @throws UsageError
 */
export function textIn(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat?.isFile() !== true) throw new UsageError(`there is no file ${shown(file)}`)
  if (stat.size > mostBytes) throw new UsageError(`${shown(file)} is too large`)
  return readFileSync(file, 'utf8')
}

/**
 * A public key of a log or witness, given as it is or as a file that holds it.
 * @throws UsageError
 */
export function keyIn(given: string | undefined): string {
  if (given === undefined)
    throw new UsageError('--key is missing: the public key of the log, from elsewhere than the log')
  return /^[^+\s]+\+[0-9a-f]{8}\+/.test(given) ? given : textIn(given).trim()
}
