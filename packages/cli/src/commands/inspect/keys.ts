import { readFileSync } from 'node:fs'
import { UsageError } from '@countersign/fetch/internal'
import { HttpSigError, importVerifyKey, parsePublicJwk, type VerifyKey } from '@countersign/httpsig'
import { parseJson } from '@countersign/protocol/internal'

/** The public keys of a `--key` file. */
export interface GivenKeys {
  /** The key with this `kid`; without a `kid`, or in a file with a single key without `kid`, the first one. */
  find(kid?: string): VerifyKey | undefined
  /** All keys except this one. */
  others(than: VerifyKey | undefined): VerifyKey[]
}

/**
 * Reads a JWK or a JWK Set from a file.
 * @throws UsageError that says what is wrong with the file, without its content
 */
export async function readKeys(path: string): Promise<GivenKeys> {
  let json: unknown
  try {
    json = parseJson(readFileSync(path))
  } catch {
    throw new UsageError(`--key: cannot read JSON from ${path}`)
  }
  const isSet = typeof json === 'object' && json !== null && 'keys' in json && Array.isArray(json.keys)
  const entries: unknown[] = isSet ? (json as { keys: unknown[] }).keys.slice(0, 100) : [json]
  const keys = await Promise.all(entries.map(entry => keyOf(entry, path)))
  if (keys.length === 0) throw new UsageError(`--key: ${path} has no key`)
  return {
    find(kid) {
      const named = keys.find(entry => kid !== undefined && entry.kid === kid)
      const [first] = keys
      const isOnly = keys.length === 1 && first?.kid === undefined
      return (named ?? (kid === undefined || isOnly ? first : undefined))?.key
    },
    others: than => keys.map(({ key }) => key).filter(key => key.thumbprint !== than?.thumbprint),
  }
}

async function keyOf(entry: unknown, path: string): Promise<{ kid?: string; key: VerifyKey }> {
  try {
    const key = await importVerifyKey(parsePublicJwk(entry, { algorithmOptional: true }))
    const kid = typeof entry === 'object' && entry !== null && 'kid' in entry ? entry.kid : undefined
    return typeof kid === 'string' ? { kid, key } : { key }
  } catch (error) {
    if (error instanceof HttpSigError) throw new UsageError(`--key: a key in ${path} cannot be used: ${error.message}`)
    throw error
  }
}
