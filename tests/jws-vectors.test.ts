import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpSigError, importVerifyKey } from '@countersign/httpsig'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { AAuthError, findKey, parseToken, verifyTokenSignature } from '@countersign/protocol'
import { parseJson } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'

// Vectors from outside, which this repository does not carry; COUNTERSIGN_VECTORS names the folder that holds them.
const folder = process.env['COUNTERSIGN_VECTORS'] ?? ''
const source = 'set COUNTERSIGN_VECTORS; wycheproof/ is testvectors_v1 of github.com/C2SP/wycheproof'

interface Vector {
  readonly tcId: number
  readonly comment: string
  /** Compact, or an object in JSON serialization. */
  readonly jws: string | object
  readonly result: 'valid' | 'invalid'
}

type Key = Readonly<Record<string, unknown>>

interface Group {
  readonly public?: Key | { readonly keys: readonly Key[] }
  readonly private: Key | { readonly keys: readonly Key[] }
  readonly tests: readonly Vector[]
}

function groupsOf(file: string): readonly Group[] {
  const { testGroups } = JSON.parse(readFileSync(join(folder, 'wycheproof', file), 'utf8')) as { testGroups: Group[] }
  return testGroups
}

/** What the group's verifier reads as a key set: the public keys, and symmetric ones, which have no public half. */
function published(group: Group): { readonly keys: readonly Key[] } {
  const keys = group.public ?? group.private
  return { keys: Array.isArray(keys['keys']) ? keys['keys'] : [keys as Key] }
}

/** Reads a compact JWS as tokens are read, but for the members that only tokens have (`typ`, `iss`). */
async function accepts(jws: string | object, jwks: object): Promise<boolean> {
  const [head = '', body = '', end = '', ...more] = typeof jws === 'string' ? jws.split('.') : []
  if (typeof jws !== 'string' || more.length > 0) return false
  try {
    const header = parseJson(base64urlDecode(head)) as { readonly alg?: unknown; readonly kid?: unknown }
    base64urlDecode(body)
    const jwk = findKey(jwks, String(header.kid))
    if (jwk === undefined || header.alg !== jwk.alg) return false
    const parsed = {
      typ: 'agent+jwt',
      alg: jwk.alg,
      kid: String(header.kid),
      iss: '',
      payload: {},
      development: false,
      token: jws,
      signingInput: new TextEncoder().encode(`${head}.${body}`),
      signature: base64urlDecode(end),
    } as const
    await verifyTokenSignature({ ...parsed, typ: 'agent+jwt' }, await importVerifyKey(jwk))
    return true
  } catch (error) {
    if (error instanceof AAuthError || error instanceof HttpSigError) return false
    if (error instanceof SyntaxError || error instanceof TypeError) return false
    throw error
  }
}

/** Whether a key set has only algorithms that are not ours; their valid signatures are refused by design. */
function foreign({ keys }: { readonly keys: readonly Key[] }): string | undefined {
  const algs = keys.map(({ alg }) => String(alg))
  return algs.every(alg => /^(HS256|HS384|HS512|RS256|RS384|RS512|PS256|PS384|ES521)$/.test(alg)) ? algs[0] : undefined
}

describe.skipIf(folder === '')(`Wycheproof (${source})`, () => {
  const titled = verifies(
    'KEY-01',
    'KEY-02',
    'KEY-04',
    'KEY-08',
    'KEY-23',
    'KEY-28',
    'token.alg',
    'token.signature',
    '%s',
  )
  test.each<readonly [string, number, readonly number[], object]>([
    // es256 acceptsValid, SpecialCaseEs256 valid; ps512: empty, zero, one byte, normal payload. By algorithm: what is valid but not ours.
    [
      'json_web_signature.json',
      401,
      [18, 325, 326, 327, 328, 378],
      { HS256: 10, RS256: 8, RS384: 4, RS512: 4, PS256: 8, PS384: 4, ES521: 2 },
    ],
    ['json_web_key.json', 26, [], { HS256: 2, RS256: 1, HS384: 1, HS512: 1 }],
  ])(titled, async (file, count, ours, others) => {
    const accepted: number[] = []
    const notOurs: Record<string, number> = {}
    let ran = 0
    for (const group of groupsOf(file))
      for (const { tcId, comment, jws, result } of group.tests) {
        ran++
        const keys = published(group)
        const verdict = await accepts(jws, keys)
        if (verdict) accepted.push(tcId)
        const alg = foreign(keys)
        if (result === 'valid' && alg !== undefined) notOurs[alg] = (notOurs[alg] ?? 0) + 1
        expect(verdict, `${tcId} ${comment}`).toBe(result === 'valid' && alg === undefined)
        // As a token each is refused, the valid ones too: none says by typ what it is for.
        const token = typeof jws === 'string' ? jws : JSON.stringify(jws)
        expect(() => parseToken(token, ['agent+jwt', 'resource+jwt', 'auth+jwt']), comment).toThrow(AAuthError)
      }
    expect(accepted).toEqual(ours)
    expect(notOurs).toEqual(others)
    expect(ran).toBe(count)
  })

  test(
    verifies(
      'KEY-30',
      'KEY-15',
      'KEY-06',
      'KEY-17',
      'id.jwk-alg',
      'json_web_key: keys refused even under an alg of ours',
    ),
    () => {
      const verdicts: Record<number, string> = {}
      for (const group of groupsOf('json_web_key.json'))
        for (const { tcId } of group.tests)
          for (const key of published(group).keys)
            if (key['kty'] === 'RSA' && group.public !== undefined) {
              const jwk = findKey({ keys: [{ ...key, alg: 'PS512' }] }, String(key['kid']))
              verdicts[tcId] = jwk === undefined ? 'refused' : 'taken'
            }
      // 5 a sound key; 6 use enc; 7 CVE-2017-15361 (ROCA); 8 1024 bits; 9 e = 1; 24 an EC key that says RSA.
      expect(verdicts).toEqual({ 5: 'taken', 6: 'refused', 7: 'refused', 8: 'refused', 9: 'refused', 24: 'refused' })
    },
  )
})
