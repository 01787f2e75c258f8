import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { forgeToken } from '@countersign/testing/world/tokens'
import { CompactEncrypt, generateKeyPair } from 'jose'
import type { World } from './world.test.fixture.js'

/** What is shown in the place of an auth token and is none that counts. */
export interface BadToken {
  readonly what: string
  readonly jwt: string
  /** Who signs the request, if not the delegate whose key the good token names. */
  readonly key?: SigningKey
  /** With which code a resource refuses it; default `invalid_auth_token`. */
  readonly error?: string
}

/** Bad tokens, by the case of the catalogue that they are of. */
export const badTokens: ReadonlyArray<
  readonly [id: string, title: string, make: (world: World) => Promise<BadToken[]>]
> = [
  ['AUT-01', 'a signature that is not of a key of the issuer', wronglySigned],
  ['AUT-02', 'an issuer that is not on the list', ofStrangers],
  ['AUT-03', "another resource's token, or one for several", forOthers],
  ['AUT-04', 'a token whose key the thief has put in', rebound],
  ['AUT-06', 'a token out of date', outOfDate],
  ['AUT-22', 'a token that lives too long', longLived],
  ['AUT-07', 'a token without agent for a resource that is none', withoutAgent],
  ['AUT-12', 'another token of the same auth server', ofOtherTypes],
  ['AUT-13', 'a refresh token or request_token', opaque],
  ['AUT-16', 'a chain that is malformed or too long', badChains],
  ['AUT-20', 'an encrypted token, for which there is no key', encrypted],
]

type Claims = Readonly<Record<string, unknown>>

const hop = { iss: 'https://auth.example', agent: 'https://middle.example' }

/** `act` of so many hops. */
export function chainOf(length: number, last: object = hop): object {
  return length === 1 ? last : { ...hop, act: chainOf(length - 1, last) }
}

/** Tokens that the trusted auth server has signed. */
function withClaims(world: World, all: readonly Claims[]): Promise<BadToken[]> {
  return Promise.all(
    all.map(async claims => ({ what: JSON.stringify(claims).slice(0, 80), jwt: await world.authToken(claims) })),
  )
}

async function goodClaims(world: World): Promise<Claims> {
  const [, claims = ''] = (await world.authToken()).split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString())
}

async function wronglySigned(world: World): Promise<BadToken[]> {
  const { authServer, otherAgent, strangeServer } = world
  const claims = await goodClaims(world)
  const [head, payload, signature = ''] = (await world.authToken()).split('.')
  const by = (key: SigningKey, kid: string) => forgeToken({ kid, key }, { typ: 'auth+jwt' }, claims)
  return [
    { what: 'flipped', jwt: `${head}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}` },
    { what: 'none', jwt: `${head}.${payload}.` },
    { what: 'by an agent', jwt: await by(otherAgent.key, 'k1') },
    { what: 'by another auth server', jwt: await by(strangeServer.key, 'k1') },
    { what: 'unknown kid', jwt: await by(authServer.key, 'k9') },
  ]
}

async function ofStrangers(world: World): Promise<BadToken[]> {
  const error = 'untrusted_issuer'
  const similar = ['https://auth.example.evil.com', 'https://xauth.example', 'https://auth.exampl']
  const malformed = ['https://auth.example/', 'https://AUTH.example', 'http://auth.example', 'https://auth.example:443']
  return [
    { what: 'perfect', jwt: await world.authToken({}, world.strangeServer), error },
    ...(
      await withClaims(
        world,
        similar.map(iss => ({ iss })),
      )
    ).map(token => ({ ...token, error })),
    ...(await withClaims(
      world,
      [...malformed, undefined, ['https://auth.example']].map(iss => ({ iss })),
    )),
  ]
}

function forOthers(world: World): Promise<BadToken[]> {
  const own = 'https://calendar.example'
  const one = [
    'https://rooms.example',
    `${own}/`,
    `${own}/events`,
    `${own}.evil.example`,
    'https://calendar.exampl',
    own.toUpperCase(),
  ]
  return withClaims(
    world,
    [...one, [own], [own, 'https://rooms.example'], [], null, undefined].map(aud => ({ aud })),
  )
}

async function rebound(world: World): Promise<BadToken[]> {
  const key = await generateSigningKey()
  const [head, , signature] = (await world.authToken()).split('.')
  const claims = { ...(await goodClaims(world)), cnf: { jwk: key.publicJwk } }
  const edited = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
  const unbound = await withClaims(world, [{ cnf: undefined }, { cnf: {} }])
  return [{ what: 'edited cnf', jwt: edited, key }, ...unbound]
}

function outOfDate(world: World): Promise<BadToken[]> {
  const now = Math.floor(world.clock.now)
  return withClaims(world, [
    { iat: now - 700, exp: now - 100 },
    { exp: now },
    { nbf: now + 600 },
    { iat: now + 600, exp: now + 900 },
    { exp: undefined },
    { exp: String(now + 60) },
  ])
}

function longLived(world: World): Promise<BadToken[]> {
  const iat = Math.floor(world.clock.now)
  return withClaims(world, [
    { iat, exp: iat + 3601 },
    { iat, exp: iat + 30 * 86_400 },
  ])
}

function withoutAgent(world: World): Promise<BadToken[]> {
  return withClaims(world, [{ agent: undefined, sub: 'alice' }, { agent: 'https://calendar.example' }, { agent: null }])
}

async function ofOtherTypes(world: World): Promise<BadToken[]> {
  const claims = await goodClaims(world)
  const types = ['at+jwt', 'JWT', 'logout+jwt', 'application/auth+jwt', 'AUTH+JWT', 'resource+jwt', undefined]
  return Promise.all(
    types.map(async typ => ({
      what: String(typ),
      jwt: await forgeToken(world.authServer, { typ }, claims),
      error: 'unsupported_scheme',
    })),
  )
}

async function opaque(): Promise<BadToken[]> {
  return ['opaque-refresh-token', 'a.b', 'a.b.c', '..', 'W3siYSI6MX1d'].map(jwt => ({ what: jwt, jwt }))
}

function badChains(world: World): Promise<BadToken[]> {
  const malformed = ['x', 7, null, [], [hop], {}, { iss: hop.iss }, { agent: hop.agent }, { ...hop, agent: 'x' }]
  const deep = [chainOf(6), chainOf(60, hop)]
  return withClaims(
    world,
    [...malformed, chainOf(5, { iss: hop.iss }), ...deep].map(act => ({ act })),
  )
}

/** Encrypted tokens of any content and encryption: the resource has no key for them and must not try one. */
async function encrypted(world: World): Promise<BadToken[]> {
  const { publicKey } = await generateKeyPair('ECDH-ES+A256KW')
  const seal = (content: string, header: object = {}): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(content))
      .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', typ: 'auth+jwt', cty: 'auth+jwt', ...header })
      .encrypt(publicKey)
  const good = await world.authToken()
  const unsigned = `${Buffer.from('{"alg":"none","typ":"auth+jwt"}').toString('base64url')}.${good.split('.')[1]}.`
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const costly = [
    { alg: 'RSA1_5', enc: 'A128CBC-HS256' },
    { alg: 'dir', enc: 'A256GCM' },
    { alg: 'A128KW', enc: 'A256GCM' },
    { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AAAAAAAAAAA' },
    { alg: 'ECDH-ES', enc: 'unknown', epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } },
    { alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF' },
  ].map(header => ({
    what: header.alg,
    jwt: `${part({ ...header, typ: 'auth+jwt' })}.AAAA.AAAA.${'A'.repeat(400)}.AAAA`,
  }))
  return [
    { what: 'around a good token', jwt: await seal(good) },
    { what: 'around an unsigned one', jwt: await seal(unsigned) },
    { what: 'twice', jwt: await seal(await seal(good)) },
    ...costly,
    { what: 'five words', jwt: 'a.b.c.d.e' },
  ]
}
