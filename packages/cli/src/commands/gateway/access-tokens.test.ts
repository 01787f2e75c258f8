import type { Fetcher } from '@countersign/discovery'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { accessTokens, type OAuthIssuer } from './access-tokens.js'

const issuer = 'https://accounts.example'
const audience = 'https://api.example'
const jwksUri = `${issuer}/jwks`
const start = 1_800_000_000

interface Key {
  readonly privateKey: CryptoKey
  readonly jwk: Readonly<Record<string, unknown>>
}

let key: Key
let other: Key
let rsa: Key
beforeAll(async () => {
  ;[key, other, rsa] = await Promise.all([makeKey('k1', 'ES256'), makeKey('k1', 'ES256'), makeKey('r1', 'RS256')])
})

async function makeKey(kid: string, alg: string): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

type Claims = Readonly<Record<string, unknown>>

function tokenOf(claims: Claims = {}, header: Claims = {}, by = key): Promise<string> {
  const said = { iss: issuer, aud: audience, sub: 'alice', exp: start + 300, scope: 'read write', ...claims }
  const { alg, kid } = by.jwk as { alg: string; kid: string }
  return new SignJWT(said).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(by.privateKey)
}

/** A verifier of one issuer, whose keys are published at a URL; and what was fetched. */
function verifier(change: Partial<OAuthIssuer> = {}) {
  const place = { published: [key, rsa] as readonly Key[] | undefined, fetched: [] as string[], now: start }
  const fetcher: Fetcher = async url => {
    place.fetched.push(url)
    if (place.published === undefined) throw new Error('ECONNREFUSED')
    const body = new TextEncoder().encode(JSON.stringify({ keys: place.published.map(({ jwk }) => jwk) }))
    return { status: 200, contentType: 'application/json', body }
  }
  const own: OAuthIssuer = { issuer, audience, jwksUri, type: 'at+jwt', scopeClaim: 'scope', ...change }
  const verify = accessTokens([own], { fetcher, now: () => place.now })
  return { ...place, place, verify: (token: string) => verify(token, { method: 'GET', target: '/' }) }
}

const facts = { user: { iss: issuer, sub: 'alice' }, scope: ['read', 'write'], expires: start + 300 }

test('a token of the issuer for this API holds, with its user, scopes and end; the keys are fetched once', async () => {
  const { verify, place } = verifier()
  expect(await verify(await tokenOf())).toEqual(facts)
  expect(await verify(await tokenOf({}, {}, rsa))).toEqual(facts)
  expect(await verify(await tokenOf({ aud: ['https://other.example', audience] }))).toEqual(facts)
  expect(await verify(await tokenOf({}, { typ: 'application/at+jwt' }))).toEqual(facts)
  expect(await verify(await tokenOf({ sub: undefined }))).toEqual({ scope: ['read', 'write'], expires: start + 300 })
  expect(place.fetched).toEqual([jwksUri])
})

const wrong: ReadonlyArray<readonly [what: string, make: () => string | Promise<string>]> = [
  ['of another issuer', () => tokenOf({ iss: 'https://evil.example' })],
  ['whose issuer differs by a slash', () => tokenOf({ iss: `${issuer}/` })],
  ['without an issuer', () => tokenOf({ iss: undefined })],
  ['for another API', () => tokenOf({ aud: 'https://other.example' })],
  ['for no API', () => tokenOf({ aud: undefined })],
  ['that has ended', () => tokenOf({ exp: start })],
  ['that never ends', () => tokenOf({ exp: undefined })],
  ['that has not begun', () => tokenOf({ nbf: start + 60 })],
  ['of type JWT, as ID tokens are', () => tokenOf({}, { typ: 'JWT' })],
  ['without a type', () => tokenOf({}, { typ: undefined })],
  ['that is bound to a key', () => tokenOf({ cnf: { jkt: 'x' } })],
  ['whose subject is no text', () => tokenOf({ sub: 7 })],
  ['whose subject is empty', () => tokenOf({ sub: '' })],
  ['signed by another key under the same name', () => tokenOf({}, {}, other)],
  ['signed by nobody', async () => `${btoa('{"alg":"none","typ":"at+jwt"}')}.${(await tokenOf()).split('.')[1]}.`],
  ['signed with the public key as a secret', () => hmacToken()],
  ['that is no token', () => 'opaque'],
]

async function hmacToken(): Promise<string> {
  const said = { iss: issuer, aud: audience, sub: 'alice', exp: start + 300 }
  const secret = new TextEncoder().encode(JSON.stringify(key.jwk))
  return new SignJWT(said).setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: 'at+jwt' }).sign(secret)
}

test.each(wrong)('a token %s does not hold', async (_, make) => {
  const { verify } = verifier()
  expect(await verify(await make())).toBeUndefined()
  expect(await verify(await tokenOf())).toEqual(facts)
})

test('an issuer may set no type, and have its scopes in another claim, as a list', async () => {
  const { verify } = verifier({ type: 'any', scopeClaim: 'scp' })
  expect(await verify(await tokenOf({ scp: ['read', 7, ''] }, { typ: 'JWT' }))).toEqual({ ...facts, scope: ['read'] })
  expect(await verify(await tokenOf({}, { typ: undefined }))).toEqual({ ...facts, scope: [] })
})

test('a new key is fetched at once, and invented names of keys cost one fetch in 30 seconds', async () => {
  const { verify, place } = verifier()
  await verify(await tokenOf())
  place.now += 31
  const next = await makeKey('k2', 'ES256')
  place.published = [next]
  expect(await verify(await tokenOf({}, {}, next))).toEqual(facts)
  for (const kid of ['a', 'b', 'c']) expect(await verify(await tokenOf({}, { kid }))).toBeUndefined()
  expect(place.fetched).toHaveLength(2)
})

test('while the keys cannot be fetched, no token is called invalid', async () => {
  const { verify, place } = verifier()
  place.published = undefined
  await expect(verify(await tokenOf())).rejects.toMatchObject({ code: 'discovery_failed' })
})

test('keys in the settings need no fetch; what is no key set is an error', async () => {
  const { verify, place } = verifier({ jwksUri: undefined, jwks: { keys: [key.jwk] } })
  expect(await verify(await tokenOf())).toEqual(facts)
  expect(await verify(await tokenOf({}, {}, rsa))).toBeUndefined()
  expect(place.fetched).toEqual([])
  expect(() => verifier({ jwksUri: undefined, jwks: { keys: [] } })).toThrow('an array of keys')
})
