import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { SecretAtRest } from './contract.js'

/** A value found in a file. */
export interface Found {
  readonly file: string
  /** The path of the value in the file's JSON. */
  readonly member: string
  readonly value: string
  readonly holder: string
  readonly opens: string
}

/** The secrets as the page shows them: shortened, with a mark on values that stand in more than one place. */
export function secretsAtRest(found: readonly Found[], folder: string): SecretAtRest[] {
  const holders = (value: string): number =>
    new Set(found.filter(other => other.value === value).map(({ holder }) => holder)).size
  return found.map(({ file, member, value, holder, opens }) => ({
    ...{ place: `${relative(folder, file).replaceAll('\\', '/')} › ${member}`, holder, opens },
    shown: `${value.slice(0, 6)}…`,
    shared: holders(value) > 1,
  }))
}

/** Reads a JSON file as a thief would. A file that is not there holds nothing. */
export function readJson(file: string): Readonly<Record<string, unknown>> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>) : {}
}

/** The private keys in a value, wherever they are: objects with `kty` and `d`. */
export function privateKeysIn(value: unknown, path = ''): Array<{ readonly member: string; readonly d: string }> {
  if (typeof value !== 'object' || value === null) return []
  const { kty, d } = value as { readonly kty?: unknown; readonly d?: unknown }
  if (typeof kty === 'string' && typeof d === 'string') return [{ member: path === '' ? 'd' : `${path}.d`, d }]
  return Object.entries(value).flatMap(([name, inner]) => privateKeysIn(inner, path === '' ? name : `${path}.${name}`))
}
