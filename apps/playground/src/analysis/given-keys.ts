import { HttpSigError, importVerifyKey, parsePublicJwk, type VerifyKey } from '@countersign/httpsig'
import { isObject, parseJson } from '@countersign/protocol/internal'

/** Keys that a person gives to judge by. */
export interface GivenKeys {
  /** The keys of a `kid`; a single key without one is meant for every `kid`. */
  find(kid?: string): readonly VerifyKey[]
  readonly all: readonly VerifyKey[]
}

/** What is wrong with keys, in words. */
export interface WrongKeys {
  readonly wrong: string
}

const mostKeys = 20

/** Reads a JWK or a JWK set; undefined for an empty text. */
export async function readGivenKeys(text: string): Promise<GivenKeys | WrongKeys | undefined> {
  if (text.trim() === '') return undefined
  let json: unknown
  try {
    json = parseJson(new TextEncoder().encode(text))
  } catch {
    return { wrong: 'The keys are no JSON: paste a JWK, or a JWK set such as {"keys":[…]}.' }
  }
  const entries: unknown[] = isObject(json) && Array.isArray(json['keys']) ? json['keys'].slice(0, mostKeys) : [json]
  const read = await Promise.all(entries.map(keyOf))
  const [fault] = read.filter(entry => typeof entry === 'string')
  const keys = read.filter(entry => typeof entry !== 'string')
  if (keys.length === 0) return { wrong: fault ?? 'There is no key in it.' }
  return {
    find(kid) {
      const named = keys.filter(entry => kid !== undefined && entry.kid === kid)
      const [only] = keys
      if (named.length > 0) return named.map(({ key }) => key)
      const isForAll = kid === undefined || (keys.length === 1 && only?.kid === undefined)
      return isForAll && only !== undefined ? [only.key] : []
    },
    all: keys.map(({ key }) => key),
  }
}

async function keyOf(entry: unknown): Promise<{ readonly kid?: string; readonly key: VerifyKey } | string> {
  try {
    const key = await importVerifyKey(parsePublicJwk(entry, { algorithmOptional: true }))
    const kid = isObject(entry) ? entry['kid'] : undefined
    return typeof kid === 'string' ? { kid, key } : { key }
  } catch (error) {
    if (error instanceof HttpSigError) return `A key cannot be used: ${error.message}.`
    return 'This program cannot use a key of that algorithm.'
  }
}
