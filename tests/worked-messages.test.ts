import { execFileSync } from 'node:child_process'
import { createHash, type JsonWebKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDiscovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import { importVerifyKey, openSignature, parsePublicJwk, verifySignature } from '@countersign/httpsig'
import { folderOfTest } from '@countersign/testing/folders'
import { makeWeb } from '@countersign/testing/world/web'
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
  const folder = folderOfTest()
  execFileSync(process.execPath, [join(root, 'scripts/worked-messages.mjs'), folder])
  const made = JSON.parse(readFileSync(join(folder, 'worked-messages.json'), 'utf8'))
  // After a change: npm run build && node scripts/worked-messages.mjs
  expect(made).toEqual(JSON.parse(readFileSync(join(root, 'docs/worked-messages.json'), 'utf8')))
  expect(readFileSync(join(folder, 'worked-messages.md'), 'utf8')).toBe(page)
})

test('the request that the README shows is one of them', () => {
  const [, shown = ''] = /^```http\n([\s\S]*?)\n```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  expect(shown).toMatch(/^GET /)
  expect(page).toContain(`\`\`\`http\n${shown}\n\`\`\``)
})

test('the messages that the protocol page shows are of them, with their signature base and token', () => {
  const protocol = readFileSync(join(root, 'docs/protocol.md'), 'utf8')
  const shown = [...protocol.matchAll(/^```http\n([\s\S]*?)\n```\n\nIts signature base:\n\n```\n([\s\S]*?)\n```$/gm)]
  // What is cut short with `…` shows a part, and cannot be checked.
  const signed = [...protocol.matchAll(/^```http\n([\s\S]*?)\n```$/gm)].filter(
    ([, text = '']) => text.includes('\nsignature: ') && !text.includes('…'),
  )
  expect(signed).toHaveLength(shown.length)
  expect(shown.map(([, request = '']) => request.split('\n')[0])).toEqual(['GET /holidays?year=2027 HTTP/1.1'])
  for (const [, request = '', base = ''] of shown)
    expect(page).toContain(`\`\`\`http\n${request}\n\`\`\`\n\n**Signature base**\n\n\`\`\`\n${base}\n\`\`\``)
  const [, token = ''] = /decoded:\n\n```\n([\s\S]*?)\n```$/m.exec(protocol) ?? []
  expect(page).toContain(`**The auth token of the response, decoded**\n\n\`\`\`\n${token}\n\`\`\``)
})

test('each flow has its answer', () => {
  expect(messages.map(({ name, response }) => `${name} ${response.status}`)).toEqual([
    'enrolment 200',
    'pseudonymous 200',
    'identified 200',
    'challenge 401',
    'auth 200',
    'authorized 200',
    'calendar-challenge 401',
    'calendar-exchange 200',
    'calendar-authorized 200',
    'rooms-challenge 401',
    'rooms-exchange 200',
    'rooms-authorized 200',
    'renewal 200',
    'consent-challenge 401',
    'consent-auth 200',
    'code 200',
    'consent-authorized 200',
    'refresh 200',
    'revocation 200',
    'refresh-revoked 400',
    'rotation 200',
    'resource-token 200',
    'device-auth 200',
    'device-pending 400',
    'device-code 200',
    'device-authorized 200',
    'interaction-challenge 401',
    'interaction-answered 200',
    'policy-enrolment 200',
    'policy-refused 403',
    'policy-challenge 401',
    'policy-auth 200',
    'policy-code 200',
    'policy-authorized 200',
    'approval-challenge 401',
    'approval-auth 200',
    'approval-code 200',
    'approval-authorized 200',
    'approval-changed 401',
    'approval-used 401',
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
    ['resource+jwt', 'https://calendar.example', 'https://auth.example'],
    ['auth+jwt', 'https://auth.example', 'https://calendar.example'],
    ['agent+jwt', 'https://agent.example', ['https://shop.example', 'https://auth.example', 'https://agent.example']],
    ['resource+jwt', 'https://shop.example', 'https://auth.example'],
    ['auth+jwt', 'https://auth.example', 'https://shop.example'],
    ['resource+jwt', 'https://shop.example', 'https://auth.example'],
    ['auth+jwt', 'https://auth.example', 'https://shop.example'],
    ['resource+jwt', 'https://shop.example', 'https://auth.example'],
  ])
  expect(tokens[6]?.claims['act']).toEqual({
    iss: 'https://auth.rooms.example',
    agent: 'https://calendar.example',
    act: { iss: 'https://auth.example', agent: 'https://agent.example', agent_delegate: 'phone' },
  })
})

test('a policy refuses one request by its reason, and the conditions of both sides are in the token that passes', () => {
  expect(answerOf('policy-refused')).toMatchObject({ error: 'policy_denied', reason: 'condition_scope' })
  expect(headersOf('policy-refused')).not.toContain('agent-auth')
  expect(headersOf('policy-challenge')).toContain('agent-auth')
  const ofAgent = [
    { type: 'scopes', any: ['orders'] },
    { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' },
  ]
  expect(claimsIn('policy-enrolment')['delegation']).toEqual(ofAgent)
  expect(claimsIn('policy-code')['constraints']).toEqual([{ type: 'calls', max: 10, per: 'day' }, ...ofAgent])
})

test('an approval is bound to the text that the page shows, good for that call alone, and once', () => {
  const { digested = '' } = messages.find(({ name }) => name === 'approval-challenge') ?? {}
  expect(page).toContain(`\`\`\`\n${digested.replaceAll('\u001f', '␟')}\n\`\`\``)
  const digest = createHash('sha256').update(digested).digest('base64url')
  expect(claimsIn('approval-challenge')['operation']).toEqual({
    name: 'pay',
    digest,
    display: ['Pay ', '40', ' euros for ', 'A chess clock', ''],
  })
  expect(claimsIn('approval-code')).toMatchObject({ operation_digest: digest })
  expect(claimsIn('approval-changed')['operation']).not.toMatchObject({ digest })
  expect(answerOf('approval-authorized')).toEqual({ paid: true })
  expect(answerOf('approval-changed')).toMatchObject({ reason: 'approval_needed' })
  expect(answerOf('approval-used')).toMatchObject({ error: 'replay_detected', reason: 'approval_used' })
  expect(headersOf('approval-used')).not.toContain('agent-auth')
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
    expect(resourceTokens).toHaveLength(8)
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

  test.each(printed)(
    'verifies what stands under $heading',
    ({ request, response, base, publicKey, signature, tokens: decoded }) => {
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
    },
  )

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
  'agent+jwt': 'aauth-agent',
  'resource+jwt': 'aauth-resource',
  'auth+jwt': 'aauth-issuer',
}

const levels: Readonly<Record<string, string>> = {
  enrolment: 'pseudonymous',
  pseudonymous: 'pseudonymous',
  renewal: 'identified',
  identified: 'identified',
  challenge: 'identified',
  auth: 'identified',
  authorized: 'authorized',
  'calendar-challenge': 'identified',
  'calendar-exchange': 'identified',
  'calendar-authorized': 'authorized',
  'rooms-challenge': 'identified',
  'rooms-exchange': 'identified',
  'rooms-authorized': 'authorized',
  'consent-challenge': 'identified',
  'consent-auth': 'identified',
  'consent-authorized': 'authorized',
  code: 'identified',
  refresh: 'identified',
  revocation: 'identified',
  'refresh-revoked': 'identified',
  rotation: 'identified',
  'resource-token': 'identified',
  'device-auth': 'identified',
  'device-pending': 'identified',
  'device-code': 'identified',
  'device-authorized': 'authorized',
  'interaction-challenge': 'authorized',
  'interaction-answered': 'authorized',
  'policy-enrolment': 'pseudonymous',
  'policy-refused': 'identified',
  'policy-challenge': 'identified',
  'policy-auth': 'identified',
  'policy-code': 'identified',
  'policy-authorized': 'authorized',
  'approval-challenge': 'authorized',
  'approval-auth': 'identified',
  'approval-code': 'identified',
  'approval-authorized': 'authorized',
  'approval-changed': 'authorized',
  'approval-used': 'authorized',
}

function responseOf(message: string) {
  const found = messages.find(({ name }) => name === message)
  if (found === undefined) throw new Error(`no message ${message}`)
  return found.response
}

function answerOf(message: string): unknown {
  return JSON.parse(responseOf(message).body ?? '')
}

function headersOf(message: string): readonly string[] {
  return responseOf(message).headers.map(([name]) => name)
}

/** The claims of the token that comes first in a message. */
function claimsIn(message: string): Readonly<Record<string, unknown>> {
  return tokens.find(({ first }) => first === message)?.claims ?? {}
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
    receiver,
    discovery: discoveryAt(time),
    now: () => time,
    authServers: auth_servers,
    accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
  })
}

function discoveryAt(time: number) {
  return createDiscovery({ now: () => time, fetcher: makeWeb(new Map(Object.entries(documents))).fetcher })
}
