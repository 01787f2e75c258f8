import { generateSigningKey } from '@countersign/httpsig'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addresses } from '../addresses.js'
import { changedLines } from './changed-lines.js'
import type { WireRequest } from './contract.js'
import type { Means, MessageAttack, Subject } from './message-attack.js'
import { messageAttacks } from './message-attacks.js'
import { signatureAttacks } from './signature-attacks.js'
import { type Draft, type Signer, sign } from './signing.js'
import { tokenAttacks } from './token-attacks.js'

const addresses = {
  calendar: 'http://localhost:30',
  rooms: 'http://localhost:31',
  agentServer: 'http://localhost:10',
  authServer: 'http://localhost:20',
  roomsAuthServer: 'http://localhost:21',
  webApp: 'http://localhost:40',
} as Addresses

const post: Draft = {
  method: 'POST',
  to: 'http://localhost:30',
  target: '/events?calendar=home',
  headers: [['content-type', 'application/json']],
  body: '{"summary":"Tea"}',
}
const get: Draft = { method: 'GET', to: 'http://localhost:30', target: '/agenda', headers: [], body: '' }

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = `${part({ typ: 'auth+jwt', alg: 'Ed25519', kid: 'k' })}.${part({ iss: 'http://localhost:20', exp: 1004, scope: 'events.write' })}.${'s'.repeat(86)}`

let owner: Signer
let thief: Signer
beforeAll(async () => {
  owner = { key: await generateSigningKey(), signatureKey: { scheme: 'jwt', jwt: token } }
  const key = await generateSigningKey()
  thief = { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
})

const all: readonly MessageAttack[] = [...messageAttacks, ...signatureAttacks, ...tokenAttacks]

function attackOf(name: string): MessageAttack {
  return all.find(attack => attack.name === name) ?? expect.fail(`there is no attack ${name}`)
}

const subjectOf = (draft: Draft): Subject => ({
  draft,
  scheme: 'jwt',
  token: { typ: 'auth+jwt', lives: 4 },
  signer: async () => owner,
})

/** The request before and after an attack; what is signed anew is signed at the same moment. */
async function attacked(name: string, draft: Draft): Promise<{ before: WireRequest; after: WireRequest }> {
  const moment = { created: 1000, nonce: 'same' }
  const before = await sign(draft, owner, moment)
  const means: Means = {
    subject: subjectOf(draft),
    signer: owner,
    twin: before,
    thief,
    addresses,
    attackerIssuer: 'http://localhost:66',
    keysOf: async () => [{ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: 'AAAA', kid: 'k' }],
    sign: (one, by, created = 1000) => sign(one, by, { ...moment, created }),
    now: () => 1000,
    sleep: async () => {},
  }
  return { before, after: await attackOf(name).change(before, means) }
}

/** The lines that an attack changes, by their names. */
async function changesOf(name: string, draft: Draft): Promise<string[]> {
  const { before, after } = await attacked(name, draft)
  return changedLines(before, after).flatMap((line, at) =>
    line.state === 'same' ? [] : [`${line.state} ${line.name ?? (at === 0 ? 'target' : 'body')}`],
  )
}

describe('each attack changes what it says, and nothing else', () => {
  test.each([
    ['change-method', post, ['changed target']],
    ['change-path', post, ['changed target']],
    ['change-query', post, ['changed target']],
    ['add-query', get, ['changed target']],
    ['change-body', post, ['changed body']],
    ['swap-body', post, ['changed content-digest', 'changed body']],
    ['add-body', get, ['added content-type', 'added body']],
    ['change-header', post, ['changed content-type']],
    ['drop-header', post, ['removed content-type']],
    ['add-header', post, ['added content-type']],
    ['second-host', post, ['added host', 'added host']],
    ['replay', post, []],
    ['other-server', get, []],
    ['change-signature', post, ['changed signature']],
    ['strip-signature', get, ['removed signature-input', 'removed signature', 'removed signature-key']],
    ['drop-key', post, ['removed signature-key']],
    ['second-key', post, ['added signature-key']],
    ['uncover-body', post, ['changed signature-input', 'changed body']],
    ['other-key', post, ['changed signature', 'changed content-digest', 'changed body']],
    ['own-name', get, ['changed signature', 'changed signature-key']],
    ['old-signature', get, ['changed signature-input', 'changed signature']],
    ['early-signature', get, ['changed signature-input', 'changed signature']],
    ['redate-signature', get, ['changed signature-input']],
    ['steal-token', post, ['changed signature']],
    ['change-token', get, ['changed signature', 'changed signature-key']],
    ['widen-token', get, ['changed signature', 'changed signature-key']],
    ['alg-none', get, ['changed signature', 'changed signature-key']],
    ['alg-confusion', get, ['changed signature', 'changed signature-key']],
    ['forged-signature', get, ['changed signature', 'changed signature-key']],
    ['forged-issuer', get, ['changed signature', 'changed signature-key']],
  ])('%s', async (name, draft, lines) => {
    expect(await changesOf(name, draft)).toEqual(lines)
  })

  test('a token that is waited for is signed anew after its end, and not changed', async () => {
    expect(await changesOf('ended-token', get)).toEqual([])
  })

  test('a bearer has no signature, and the token in Authorization', async () => {
    const { after } = await attacked('strip-to-bearer', get)
    expect(after.headers).toEqual([['authorization', `Bearer ${token}`]])
  })

  test('the path is the same one for a router that decodes it', async () => {
    const { after } = await attacked('change-path', post)
    expect(after.target).toBe('/event%73?calendar=home')
  })

  test('another server gets the request as it is', async () => {
    expect((await attacked('other-server', get)).after.to).toBe('http://localhost:31')
  })
})

describe('an attack that makes no sense on a message says why', () => {
  const pseudonym: Subject = { draft: get, scheme: 'hwk', signer: async () => thief }
  test.each<[string, Subject, string | undefined]>([
    ['change-query', subjectOf(get), 'The message has no query.'],
    ['change-query', subjectOf(post), undefined],
    ['add-query', subjectOf(post), 'The message has a query, and its signature covers it.'],
    ['add-query', subjectOf(get), undefined],
    ['change-body', subjectOf(get), 'The message has no body.'],
    ['change-body', subjectOf(post), undefined],
    ['add-body', subjectOf(post), 'The message has a body.'],
    ['replay', subjectOf({ ...get, target: '/agent/token', method: 'POST' }), undefined],
    [
      'replay',
      subjectOf(get),
      'It changes nothing: a replay reads once more what was read. Servers remember requests that change something.',
    ],
    ['steal-token', pseudonym, 'The message shows no token: its key is published, or stands in the message.'],
    ['steal-token', subjectOf(get), undefined],
    [
      'ended-token',
      { ...subjectOf(get), token: { typ: 'agent+jwt', lives: 3600 } },
      'Its token lives too long for a visitor to wait for its end.',
    ],
    ['ended-token', subjectOf(get), undefined],
    [
      'strip-signature',
      subjectOf({ ...get, target: '/whoami' }),
      'The route is open to anonymous callers: without its signature the request is one of those, and has no name.',
    ],
    ['strip-signature', subjectOf(get), undefined],
  ])('%s', (name, subject, why) => {
    expect(attackOf(name).why(subject)).toBe(why)
  })
})

test('attacks have names of their own', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(32)
})
