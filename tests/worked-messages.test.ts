import { execFileSync } from 'node:child_process'
import type { JsonWebKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiscovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import { importVerifyKey, openSignature, parsePublicJwk, verifySignature } from '@countersign/httpsig'
import { createVerifier, type Verifier, verifyResourceToken } from '@countersign/verify'
import { describe, expect, test } from 'vitest'
import { root } from './processes.fixture.js'
import {
  baseOf,
  digestOf,
  isSignedBy,
  type PrintedMessage,
  printedDocuments,
  printedMessages,
  type SplitToken,
  splitToken,
  type WorkedMessage,
  workedMessages,
} from './worked-messages.fixture.js'

const page = readFileSync(join(root, 'docs/worked-messages.md'), 'utf8')
const { documents, tokens, messages, refused } = workedMessages()

test('the messages made anew are those that are committed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-worked-'))
  try {
    execFileSync(process.execPath, [join(root, 'scripts/worked-messages.mjs'), folder])
    const made = JSON.parse(readFileSync(join(folder, 'worked-messages.json'), 'utf8'))
    // After a change: npm run build && node scripts/worked-messages.mjs
    expect(made).toEqual(JSON.parse(readFileSync(join(root, 'docs/worked-messages.json'), 'utf8')))
    expect(readFileSync(join(folder, 'worked-messages.md'), 'utf8')).toBe(page)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the request that the README shows is one of them', () => {
  const [, shown = ''] = /^```http\n([\s\S]*?)\n```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  expect(shown).toMatch(/^GET /)
  expect(page).toContain(`\`\`\`http\n${shown}\n\`\`\``)
})

test('each flow has its answer', () => {
  expect(messages.map(({ name, response }) => `${name} ${response.status}`)).toEqual([
    ...['enrolment 200', 'pseudonymous 200', 'identified 200', 'challenge 401', 'auth 200', 'authorized 200'],
    ...['calendar-challenge 401', 'calendar-exchange 200', 'calendar-authorized 200'],
    ...['rooms-challenge 401', 'rooms-exchange 200', 'rooms-authorized 200', 'renewal 200'],
    ...['consent-challenge 401', 'consent-auth 200', 'code 200', 'consent-authorized 200'],
    ...['refresh 200', 'revocation 200', 'refresh-revoked 400', 'rotation 200'],
  ])
  expect(tokens.map(({ header, claims }) => [header['typ'], claims['iss'], claims['aud']])).toEqual([
    ['agent+jwt', 'https://agent.example', undefined],
    ['resource+jwt', 'https://calendar.example', 'https://auth.example'],
    ['auth+jwt', 'https://auth.example', 'https://calendar.example'],
    ['resource+jwt', 'https://rooms.example', 'https://auth.rooms.example'],
    ['auth+jwt', 'https://auth.rooms.example', 'https://rooms.example'],
    ['resource+jwt', 'https://doors.example', 'https://auth.rooms.example'],
    ['auth+jwt', 'https://auth.rooms.example', 'https://doors.example'],
    ['agent+jwt', 'https://agent.example', undefined],
    ['resource+jwt', 'https://calendar.example', 'https://auth.example'],
    ...[1, 2].map(() => ['auth+jwt', 'https://auth.example', 'https://calendar.example']),
    ['key-proof+jwt', undefined, 'https://agent.example/delegate/token'],
    ['agent+jwt', 'https://agent.example', undefined],
  ])
  expect(tokens[6]?.claims['act']).toEqual({
    iss: 'https://auth.rooms.example',
    agent: 'https://calendar.example',
    act: { iss: 'https://auth.example', agent: 'https://agent.example', agent_delegate: 'phone' },
  })
})

describe('the verifier', () => {
  test.each(messages)('takes $name, and refuses it with one byte changed', async message => {
    const received = receivedOf(message)
    const opened = openSignature(received, openOptions(message))
    expect(opened.base).toBe(message.signature.base)
    expect(Buffer.from(opened.signature).toString('base64')).toBe(message.signature.value)
    await verifySignature(opened, await importVerifyKey(parsePublicJwk(message.signature.jwk)))

    const { verify } = verifierFor(message)
    const { caller } = await verify(received)
    expect(caller.level).toBe(levels[message.name])
    await expect(verify({ ...received, target: received.target.replace('/', '/x') })).rejects.toMatchObject({
      status: 401,
      code: 'invalid_signature',
    })
  })

  // Seen before is what a replay set says; the resource that made the vectors has one.
  test.each(refused.filter(({ answer }) => answer.error !== 'replay_detected'))(
    'refuses $of with this changed: $change',
    async ({ answer, ...changed }) => {
      const error = { status: answer.status, code: answer.error }
      await expect(verifierFor(changed).verify(receivedOf(changed))).rejects.toMatchObject(error)
    },
  )

  test('has sixteen refused requests, the first of them a replay', () => {
    expect(refused).toHaveLength(16)
    expect(refused[0]?.answer).toEqual({ status: 401, error: 'replay_detected' })
    expect(refused[0]?.request).toEqual(messages.find(({ name }) => name === refused[0]?.of)?.request)
  })

  test('takes each resource token at the auth server that it is for', async () => {
    const resourceTokens = tokens.filter(({ header }) => header['typ'] === 'resource+jwt')
    expect(resourceTokens).toHaveLength(4)
    for (const { jwt, claims } of resourceTokens) {
      const now = Number(claims['iat']) + 1
      const check = { token: jwt, audience: String(claims['aud']), discovery: discoveryAt(now), now }
      expect(await verifyResourceToken(check)).toMatchObject(claims)
      await expect(verifyResourceToken({ ...check, audience: 'https://other.example' })).rejects.toMatchObject({
        code: 'invalid_resource_token',
      })
    }
  })
})

describe('node:crypto alone, from the page', () => {
  const printed = printedMessages(page)
  const published = printedDocuments(page)

  function publishedKey(id: string, document: string, kid: string): JsonWebKey {
    const metadata = published.get(`${id}/.well-known/${document}`)
    const { keys } = published.get(String(metadata?.['jwks_uri'])) as { keys: Array<JsonWebKey & { kid: string }> }
    const found = keys.find(key => key.kid === kid)
    if (found === undefined) throw new Error(`${id} publishes no key ${kid}`)
    return found
  }

  /** The key that Signature-Key leads to. */
  function keyOf(header: string): JsonWebKey {
    const parameter = (name: string) => new RegExp(`;${name}="([^"]*)"`).exec(header)?.[1] ?? ''
    if (header.startsWith('sig=hwk;'))
      return { kty: parameter('kty'), crv: parameter('crv'), x: parameter('x') } satisfies JsonWebKey
    if (header.startsWith('sig=jwks_uri;')) return publishedKey(parameter('id'), parameter('dwk'), parameter('kid'))
    return splitToken(parameter('jwt')).claims.cnf?.jwk ?? {}
  }

  test('there is one section a message', () => {
    expect(printed).toHaveLength(messages.length)
    expect(new Map(Object.entries(documents))).toEqual(published)
  })

  test.each(printed)('$heading', ({ request, response, base, publicKey, signature, tokens: decoded }) => {
    expect(baseOf(request)).toBe(base)
    expect(request.headers.get('signature')).toBe(`sig=:${signature}:`)
    const key = keyOf(request.headers.get('signature-key') ?? '')
    expect(publicKey.x).toBe(key.x)
    expect(isSignedBy(key, base, Buffer.from(signature, 'base64'))).toBe(true)
    expect(isSignedBy(key, `${base} `, Buffer.from(signature, 'base64'))).toBe(false)
    expect(request.headers.get('content-digest')).toBe(request.body === '' ? undefined : digestOf(request.body))
    expect(request.headers.get('content-length')).toBe(request.body === '' ? undefined : String(request.body.length))

    const parts = newTokens(request, response).map(splitToken)
    expect(parts.map(({ header, claims }) => [header, claims])).toEqual(decoded)
    for (const part of parts) expect(isSignedBy(signerOf(part, request), part.signed, part.signature)).toBe(true)
  })

  const seen = new Set<string>()

  /** The tokens of a message that stand in none before it: those that the page decodes there. */
  function newTokens(...halves: ReadonlyArray<PrintedMessage['request']>): string[] {
    const texts = halves.map(({ headers, body }) => JSON.stringify([...headers, body]))
    const found = texts.flatMap(text => [...text.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)].map(([jwt]) => jwt))
    const fresh = found.filter(jwt => !seen.has(jwt))
    for (const jwt of fresh) seen.add(jwt)
    return fresh
  }

  /** The published key of a token's issuer; of a key proof the key that the request names. */
  function signerOf({ header, claims }: SplitToken, { body }: PrintedMessage['request']): JsonWebKey {
    const document = issuerDocuments[header.typ]
    return document === undefined ? JSON.parse(body).jwk : publishedKey(claims.iss, document, header.kid)
  }
})

const issuerDocuments: Readonly<Record<string, string>> = {
  ...{ 'agent+jwt': 'aauth-agent', 'resource+jwt': 'aauth-resource', 'auth+jwt': 'aauth-issuer' },
}

const levels: Readonly<Record<string, string>> = {
  ...{ enrolment: 'pseudonymous', pseudonymous: 'pseudonymous', renewal: 'identified', identified: 'identified' },
  ...{ challenge: 'identified', auth: 'identified', authorized: 'authorized' },
  ...{ 'calendar-challenge': 'identified', 'calendar-exchange': 'identified', 'calendar-authorized': 'authorized' },
  ...{ 'rooms-challenge': 'identified', 'rooms-exchange': 'identified', 'rooms-authorized': 'authorized' },
  ...{ 'consent-challenge': 'identified', 'consent-auth': 'identified', 'consent-authorized': 'authorized' },
  ...{ code: 'identified', refresh: 'identified', revocation: 'identified', 'refresh-revoked': 'identified' },
  rotation: 'identified',
}

function receivedOf({ request }: Pick<WorkedMessage, 'request'>): ReceivedMessage {
  const { method, target, headers, body } = request
  return { method, target, headers, ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }) }
}

function openOptions({ time, request }: WorkedMessage) {
  return { authorities: [new URL(request.url).host], scheme: 'https', now: () => time } as const
}

function verifierFor({ time, request }: Pick<WorkedMessage, 'time' | 'request'>): Verifier {
  const receiver = new URL(request.url).origin
  const { auth_servers = [] } = documents[`${receiver}/.well-known/aauth-resource`] ?? {}
  return createVerifier({
    ...{ receiver, discovery: discoveryAt(time), now: () => time, authServers: auth_servers },
    accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
  })
}

function discoveryAt(time: number) {
  return createDiscovery({
    now: () => time,
    fetcher: async url => {
      const body = new TextEncoder().encode(JSON.stringify(documents[url] ?? {}))
      return { status: url in documents ? 200 : 404, contentType: 'application/json', body }
    },
  })
}
