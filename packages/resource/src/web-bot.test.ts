import { createBotDirectory, type FetchedDocument } from '@countersign/discovery'
import {
  generatePrivateJwk,
  importSigningKey,
  memoryReplaySet,
  type ReceivedMessage,
  signMessage,
  thumbprint,
  writeContentDigest,
} from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { unread } from '@countersign/testing/unread-body'
import { asAgent } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { type Bot, type BotRequest, directoriesFetcher, directoryOf, makeBot } from '@countersign/testing/world/web-bot'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  bearer,
  type Limits,
  logTo,
  type Requirement,
  type Resource,
  type ResourceEvent,
  type ResourceOptions,
  webBot,
} from './index.js'
import { calendarId, makeWorld, type World } from './world.test.fixture.js'

// Bots as the npm package `web-bot-auth` makes them, at a resource of this package.

const botId = 'https://bot.example'
let world: World
let bot: Bot
let directories: Map<string, FetchedDocument | Error>
let fetched: string[]
let events: ResourceEvent[]
const now = () => Math.floor(world.clock.now)

beforeEach(async () => {
  world = await makeWorld()
  bot = await makeBot(botId)
  directories = new Map([[directoryOf(botId), await bot.directory({ created: now() })]])
  fetched = []
  events = []
})

interface Site {
  readonly resource: Resource<'events.read' | 'events.write'>
  readonly requirement: Requirement<'events.read' | 'events.write'>
}

type Need = Requirement<'events.read' | 'events.write'>

function site(need: Need = {}, options: Partial<ResourceOptions<'events.read' | 'events.write'>> = {}): Site {
  const resource = world.calendar({ onEvent: event => events.push(event), ...options })
  const requirement = resource.declare({ level: 'identified', alsoAccept: admit(), ...need })
  return { resource, requirement }
}

function admit(bots: 'any' | readonly string[] = [botId]) {
  const fetcher = directoriesFetcher(directories, fetched)
  return webBot({ bots, directory: createBotDirectory({ fetcher, now: () => world.clock.now }) })
}

/** Status, code and reason of a refusal, without its challenge. */
async function codes(at: Site, message: ReceivedMessage): Promise<unknown> {
  const given = await answer(at, message)
  return Array.isArray(given) ? given.slice(0, 3) : given
}

async function answer({ resource, requirement }: Site, message: ReceivedMessage): Promise<unknown> {
  const authorization = await resource.authorize(message, requirement)
  if (authorization.ok) return { ...authorization.aauth }
  const { status, headers } = authorization.response
  const { error, reason } = (await authorization.response.json()) as Record<string, string>
  return [status, error, reason, headers.get('agent-auth')]
}

const sign = (request: Partial<BotRequest> = {}, as = bot): Promise<ReceivedMessage> =>
  as.sign({ origin: calendarId, target: '/feed', created: now(), ...request })

const facts = { level: 'anonymous', credential: 'web-bot', bot: botId, scope: [], chain: [] }
const refused = (reason: string, error = 'invalid_signature', status = 401) => [
  status,
  error,
  reason,
  'httpsig; identity=?1',
]

describe('a listed bot', () => {
  test(verifies('bot.beside', 'bot.facts', 'passes where the route opts in, and is no agent'), async () => {
    const at = site()
    expect(await answer(at, await sign())).toEqual(facts)
    expect(events).toMatchObject([{ type: 'passed', aauth: facts }])
    const lines: object[] = []
    const log = logTo({ info: fields => lines.push(fields), warn: () => undefined })
    for (const event of events) log(event)
    expect(lines).toMatchObject([{ aauth_level: 'anonymous', bot: botId }])
    expect(JSON.stringify(lines)).not.toContain('"agent"')
    expect(await answer(site({ alsoAccept: bearer(async () => undefined) }), await sign())).toEqual(
      refused('signature_missing'),
    )
    expect(await codes(site({ policy: ({ agent }) => agent !== undefined }), await sign())).toEqual([
      403,
      'policy_denied',
      'policy_refused',
    ])
  })

  test(verifies('bot.agent', 'names its directory in each of the spellings of the drafts'), async () => {
    const at = site()
    expect(await answer(at, await sign({ agent: `"${directoryOf(botId)}"` }))).toEqual(facts)
    for (const agent of [
      '"https://bot.example/"',
      '"https://bot.example/keys"',
      '"HTTPS://bot.example"',
      '"http://bot.example"',
      '"data:application/json,x"',
      'https://bot.example',
      '"https://bot.example";type=jwks_uri',
      'sig1="https://bot.example"',
      '"https://bot.example", "https://other.example"',
      '',
    ])
      expect(await answer(at, await sign({ agent })), agent).toEqual(refused('bot_agent_malformed'))
    expect(fetched).toEqual([directoryOf(botId)])
  })

  test(verifies('bot.agent', 'covers one member of a Dictionary, and no other spelling of it'), async () => {
    const at = site()
    const agent = `a="${botId}", b="https://other.example"`
    const byKey = (key: string): string => `"signature-agent";key="${key}"`
    expect(await answer(at, await signByHand({ agent, components: ['@authority', byKey('a')] }))).toEqual(facts)
    expect(await answer(at, await signByHand({ agent, components: ['@authority', byKey('b')] }))).toEqual(
      refused('bot_not_listed'),
    )
    for (const components of [
      [byKey('a'), byKey('b')],
      [`${byKey('a')};sf`],
      ['"signature-agent";bs'],
      ['signature-agent', byKey('a')],
    ])
      expect(
        await answer(at, await signByHand({ agent, components: ['@authority', ...components] })),
        components[0],
      ).toEqual(refused('bot_agent_malformed'))
    const absent = { agent, components: ['@authority', byKey('a')], sent: `b="${botId}"` }
    expect(await answer(at, await signByHand(absent))).toEqual(refused('component_missing'))
  })

  test(verifies('bot.listed', 'is the only one for which something is fetched'), async () => {
    const other = await makeBot('https://other.example')
    directories.set(directoryOf(other.id), await other.directory({ created: now() }))
    expect(await answer(site(), await sign({}, other))).toEqual(refused('bot_not_listed'))
    expect(await answer(site(), await sign({ agent: '"https://127.0.0.1"' }))).toEqual(refused('bot_agent_malformed'))
    expect(fetched).toEqual([])
    expect(await answer(site({ alsoAccept: admit('any') }), await sign({}, other))).toMatchObject({ bot: other.id })
    const below = admit(['https://*.example'])
    expect(await answer(site({ alsoAccept: below }), await sign({}, other))).toMatchObject({ bot: other.id })
  })
})

describe('a signature of a bot is refused', () => {
  test(verifies('bot.time', 'outside its time, before anything is fetched'), async () => {
    const at = site()
    for (const [request, reason] of [
      [{ created: now() - 61, lifetime: 3600 }, 'created_too_old'],
      [{ created: now() + 61 }, 'created_in_future'],
      [{ created: now() - 30, lifetime: 29 }, 'signature_expired'],
    ] as const)
      expect(await answer(at, await sign(request)), reason).toEqual(refused(reason))
    expect(fetched).toEqual([])
    expect(await answer(at, await sign({ created: now() - 59 }))).toEqual(facts)
    world.clock.now += 2
    const message = await sign({ created: now() - 60 })
    expect(await answer(at, message)).toEqual(facts)
  })

  test(verifies('bot.parameters', 'without its parameters, or with other forms of them'), async () => {
    const at = site()
    const message = await sign()
    for (const [from, to, reason] of [
      [/;expires=\d+/, '', 'bot_parameter_malformed'],
      [/;created=\d+/, '', 'created_missing'],
      [/;expires=\d+/, ';expires=1', 'expires_before_created'],
      [/;keyid="[^"]*"/, '', 'bot_parameter_malformed'],
      [/;keyid="[^"]*"/, ';keyid="k1"', 'bot_parameter_malformed'],
      [/;keyid="[^"]*"/, `;keyid="${'a'.repeat(44)}"`, 'bot_parameter_malformed'],
    ] as const)
      expect(await answer(at, changed(message, 'signature-input', from, to)), reason).toEqual(refused(reason))
    const alg = changed(message, 'signature-input', /alg="ed25519"/, 'alg="hmac-sha256"')
    expect(await codes(at, alg)).toEqual([401, 'unsupported_algorithm', 'algorithm_unsupported'])
    const unsigned = { ...message, headers: message.headers.filter(([name]) => name !== 'signature') }
    expect(await answer(at, unsigned)).toEqual(refused('signature_label_missing'))
    expect(await answer(at, changed(message, 'signature', /=:.*:/, '="x"'))).toEqual(refused('signature_malformed'))
    expect(fetched).toEqual([])
  })

  test(verifies('bot.one', 'beside another one of a bot'), async () => {
    const message = await sign()
    const second = { ...message, headers: [...message.headers, ...labelled(message, 'sig2')] }
    expect(await answer(site(), second)).toEqual(refused('bot_signature_repeated'))
    expect(fetched).toEqual([])
  })

  test(verifies('bot.covered', 'that covers too little'), async () => {
    const at = site()
    expect(await answer(at, await sign({ components: ['@method', 'signature-agent'] }))).toEqual(
      refused('component_not_covered'),
    )
    const uncovered = await sign({ components: ['@authority', 'signature-agent'] })
    expect(await answer(at, changed(uncovered, 'signature-input', / "signature-agent"/, ''))).toEqual(
      refused('bot_agent_malformed'),
    )
    expect(fetched).toEqual([])
  })

  test(verifies('bot.covered', 'that was made for another authority, with another key, or was changed'), async () => {
    const at = site()
    const wrong = refused('signature_wrong')
    expect(await answer(at, await sign({ origin: 'https://other.example' }))).toEqual(wrong)
    const twin = { ...(await makeBot(botId)) }
    expect(await answer(at, await sign({}, twin))).toEqual(refused('bot_key_unknown'))
    const message = await sign()
    const flipped = (await sign({}, twin)).headers.find(([name]) => name === 'signature')?.[1] ?? ''
    expect(await answer(at, changed(message, 'signature', /.*/, flipped))).toEqual(wrong)
    expect(await answer(at, changed(message, 'signature-input', /alg="ed25519"/, 'alg="rsa-pss-sha512"'))).toEqual(
      refused('algorithm_mismatched'),
    )
    expect(await answer(at, message)).toEqual(facts)
  })

  test(verifies('SIG-34', 'sig.headers.lost', 'without its tag, and with another one it is nobody’s'), async () => {
    const message = await sign()
    const tag = /;tag="[^"]*"/
    const lost = [401, 'invalid_signature', 'signature_header_missing']
    expect(await codes(site(), changed(message, 'signature-input', tag, ''))).toEqual(lost)
    const open = site({ level: 'anonymous' })
    expect(await codes(open, changed(message, 'signature-input', tag, ''))).toEqual(lost)
    const other = changed(message, 'signature-input', tag, ';tag="http-message-signatures-directory"')
    expect(await answer(open, other)).toEqual({ level: 'anonymous', scope: [], chain: [] })
    expect(await answer(site(), other)).toEqual(refused('signature_missing'))
  })

  test(verifies('bot.beside', 'on a route that everybody may call, too, when it fails'), async () => {
    const message = changed(await sign(), 'signature-agent', /bot/, 'other')
    expect(await answer(site({ level: 'anonymous' }), message)).toEqual([
      401,
      'invalid_signature',
      'bot_not_listed',
      'httpsig',
    ])
  })
})

describe('no other credential is judged by a bot’s signature', () => {
  test(verifies('bot.beside', 'SIG-24', 'SIG-26', 'an AAuth signature beside it decides alone'), async () => {
    const at = site()
    const signed = await world.request({ as: asAgent(world.agent), target: '/feed' })
    const bots = await sign()
    const both = { ...signed, headers: [...signed.headers, ...ofBot(bots)] }
    expect(await answer(at, both)).toMatchObject({ level: 'identified', agent: world.agent.id, credential: 'aauth' })
    const broken = changed(both, 'signature', /sig=:..../, 'sig=:AAAA')
    expect(await answer(at, broken)).toEqual(refused('signature_wrong'))
    expect(fetched).not.toContain(directoryOf(botId))
    expect(JSON.stringify(events)).not.toContain('bot.example')
  })

  test(verifies('bot.beside', 'a bearer token beside it decides alone'), async () => {
    const beside = [['authorization', 'Bearer bad'] as const]
    const tokens = bearer(async token => (token === 'good' ? { scope: [] } : undefined))
    const both = site({ alsoAccept: [tokens, admit()] })
    expect(await answer(both, await sign({ headers: beside }))).toEqual(refused('bearer_invalid'))
    expect(await answer(both, await sign({ headers: [['authorization', 'Bearer good']] }))).toMatchObject({
      credential: 'bearer',
    })
    expect(await answer(both, await sign())).toEqual(facts)
    expect(await answer(site(), await sign({ headers: beside }))).toEqual(refused('signature_missing'))
  })
})

describe('the directory', () => {
  const from = async (document: FetchedDocument | Error): Promise<unknown> => {
    directories.set(directoryOf(botId), document)
    return answer(site(), await sign())
  }

  test(
    verifies('bot.directory', 'proves its keys: unsigned, or signed by another key or for another host, it has none'),
    async () => {
      const created = now()
      const unknown = refused('bot_key_unknown')
      const another = await generatePrivateJwk()
      expect(await from(await bot.directory({ created, signedBy: [] }))).toEqual(unknown)
      expect(await from(await bot.directory({ created, signedBy: [another] }))).toEqual(unknown)
      expect(await from(await bot.directory({ created, host: 'other.example' }))).toEqual(unknown)
      expect(await from(await bot.directory({ created: created - 121 }))).toEqual(unknown)
      expect(await from(await bot.directory({ created: created + 61 }))).toEqual(unknown)
      expect(await from(await bot.directory({ created, jwks: [another] }))).toEqual(unknown)
      expect(await from(await bot.directory({ created, jwks: [another, bot.jwk], signedBy: [bot.jwk] }))).toEqual(facts)
    },
  )

  test(
    verifies('bot.directory', 'times.exp', 'a kid names no key, and a key that has ended or not begun is none'),
    async () => {
      const created = now()
      const unknown = refused('bot_key_unknown')
      const members = (given: object) => ({ created, members: given as Record<string, unknown> })
      expect(await from(await bot.directory(members({ kid: 'anything' })))).toEqual(facts)
      expect(await from(await bot.directory(members({ exp: created - 1 })))).toEqual(unknown)
      const between = world.clock.now
      world.clock.now = created
      expect(await from(await bot.directory(members({ exp: created })))).toEqual(unknown)
      expect(await from(await bot.directory(members({ exp: created + 1 })))).toEqual(facts)
      world.clock.now = between
      expect(await from(await bot.directory(members({ nbf: created + 3600 })))).toEqual(unknown)
      expect(await from(await bot.directory(members({ nbf: created * 1000, exp: (created + 60) * 1000 })))).toEqual(
        facts,
      )
      expect(await from(await bot.directory(members({ nbf: 'now' })))).toEqual(unknown)
      expect(await from(await bot.directory(members({ alg: 'rsa-v1_5-sha256' })))).toEqual(unknown)
      expect(await from(await bot.directory(members({ alg: undefined })))).toEqual(facts)
    },
  )

  test(verifies('bot.directory', 'must be the document itself, of its type and size'), async () => {
    const document = await bot.directory({ created: now() })
    const failed = (reason: string) => refused(reason, 'discovery_failed')
    expect(await from({ ...document, status: 302 })).toEqual(failed('document_missing'))
    expect(await from({ ...document, contentType: 'application/json' })).toEqual(failed('document_malformed'))
    expect(await from({ ...document, body: new Uint8Array(64 * 1024 + 1) })).toEqual(failed('document_too_large'))
    expect(await from({ ...document, body: new TextEncoder().encode('{"keys":[]}') })).toEqual(failed('jwks_malformed'))
    const many = JSON.stringify({ keys: Array.from({ length: 33 }, () => ({})) })
    expect(await from({ ...document, body: new TextEncoder().encode(many) })).toEqual(failed('jwks_malformed'))
    expect(await from(new Error('refused'))).toEqual([503, 'discovery_failed', 'participant_unreachable', null])
    const { headers: _, ...headless } = document
    expect(await from(headless)).toEqual(refused('bot_key_unknown'))
  })
})

describe('what a captured signature is worth', () => {
  const all = ['@authority', '@method', '@path', 'signature-agent']

  test(verifies('bot.unsafe', 'a request that changes something must be covered whole'), async () => {
    const at = site()
    const post = { method: 'POST', target: '/feed' }
    expect(await answer(at, await sign(post))).toEqual(refused('component_not_covered'))
    expect(await answer(at, await sign({ ...post, components: all }))).toEqual(facts)
    const query = await sign({ ...post, target: '/feed?a=b', components: all })
    expect(await answer(at, query)).toEqual(refused('component_not_covered'))
    const body = '{"a":1}'
    const headers = [['content-type', 'application/json'] as const]
    const digested = [...headers, ['content-digest', await writeContentDigest(new TextEncoder().encode(body))] as const]
    expect(await answer(at, await sign({ ...post, body, headers, components: all }))).toEqual(
      refused('component_not_covered'),
    )
    const whole = await sign({
      ...post,
      body,
      headers: digested,
      components: [...all, 'content-type', 'content-digest'],
    })
    const swapped = { ...whole, body: new TextEncoder().encode('{"a":2}') }
    expect(await answer(at, swapped)).toEqual(refused('digest_wrong'))
    const { body: _, ...unseen } = whole
    expect(await answer(at, { ...unseen, dangerouslyUnseenBody: true })).toEqual([
      403,
      'policy_denied',
      'body_unseen',
      null,
    ])
    expect(await answer(at, whole)).toEqual(facts)
    const get = { ...(await sign()), body: new TextEncoder().encode('x') }
    expect(await answer(at, get)).toEqual(refused('component_not_covered'))
    const upgrade = await sign({ headers: [['upgrade', 'websocket']] })
    expect(await answer(at, upgrade)).toEqual(refused('component_not_covered'))
  })

  test(verifies('bot.unsafe', 'it must cover what the route demands, and have a nonce'), async () => {
    const at = site({ components: ['x-tenant'] })
    const post = { method: 'POST', components: all }
    const tenant = [['x-tenant', 'a'] as const]
    expect(await answer(at, await sign({ ...post, headers: tenant }))).toEqual(refused('component_not_covered'))
    expect(await answer(at, await sign({ ...post, headers: tenant, components: [...all, 'x-tenant'] }))).toEqual(facts)
    const bare = changed(await sign(post), 'signature-input', /;nonce="[^"]*"/, '')
    expect(await answer(at, bare)).toEqual(refused('bot_parameter_malformed'))
    const bound = { method: 'POST', components: ['@authority', '@method', '@path', 'x-tenant', 'signature-agent'] }
    expect(await answer(at, await signByHand({ ...bound, nonce: '' }))).toEqual(refused('bot_parameter_malformed'))
    expect(await answer(at, await signByHand({ ...bound, nonce: 'n' }))).toEqual(facts)
  })

  test(verifies('bot.replay', 'with a nonce it passes once, on whatever path'), async () => {
    const at = site()
    const message = await sign()
    expect(await answer(at, message)).toEqual(facts)
    const again = [401, 'replay_detected', 'request_replayed', null]
    expect(await answer(at, { ...message })).toEqual(again)
    expect(await answer(at, { ...message, target: '/other' })).toEqual(again)
    expect(await answer(at, message)).toEqual(facts)
  })

  test(verifies('bot.replay', 'a nonce passes once, by whatever signature of the key'), async () => {
    const replay = startedReplaySet(() => world.clock.now)
    const at = site({}, { replay })
    const components = ['@authority', 'signature-agent']
    const again = [401, 'replay_detected', 'request_replayed', null]
    expect(await answer(at, await signByHand({ components, nonce: 'n' }))).toEqual(facts)
    expect(await answer(at, await signByHand({ components: ['@method', ...components], nonce: 'n' }))).toEqual(again)
    world.clock.now += 1
    expect(await answer(at, await signByHand({ components, nonce: 'n' }))).toEqual(again)
    expect(await answer(at, await signByHand({ components, nonce: 'm' }))).toEqual(facts)
    // Another key may have it, too.
    const other = await makeBot(botId)
    directories.set(directoryOf(botId), await bot.directory({ jwks: [bot.jwk, other.jwk], created: now() }))
    const both = site({}, { replay })
    bot = other
    expect(await answer(both, await signByHand({ components, nonce: 'n' }))).toEqual(facts)
    const none = await signByHand({ components })
    expect([await answer(both, none), await answer(both, { ...none })]).toEqual([facts, facts])
  })

  test(verifies('discovery.test-keys', 'the key that the drafts sign with is nobody’s'), async () => {
    const d = 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU'
    const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs'
    const printed = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x, d } as const
    const own = bot.jwk
    directories.set(directoryOf(botId), await bot.directory({ jwks: [own, printed], created: now() }))
    const at = site()
    expect(await answer(at, await sign())).toEqual(facts)
    const components = ['@authority', 'signature-agent']
    bot = { ...bot, jwk: printed }
    expect(await answer(at, await signByHand({ components, nonce: 'n' }))).toEqual(refused('bot_key_unknown'))
  })

  test(verifies('bot.replay', 'a bot takes no room of pseudonyms, and none is not processed'), async () => {
    const full = { ...startedReplaySet(() => world.clock.now), check: async () => 'full' as const }
    const at = site({}, { replay: full })
    const { status, headers } = (await refusal(at, await sign())) ?? {}
    expect([status, headers?.get('agent-auth'), headers?.get('retry-after')]).toEqual([503, 'httpsig', '5'])
    const kept = memoryReplaySet({ now: () => world.clock.now })
    world.clock.now += 1
    const entries: unknown[] = []
    const watched = {
      ...kept,
      check: (entry: Parameters<typeof kept.check>[0]) => {
        entries.push(entry)
        return kept.check(entry)
      },
    }
    await answer(site({}, { replay: watched }), await sign())
    expect(entries).toMatchObject([
      { partition: 'identified', principal: '["bot","https://bot.example"]', site: 'bot.example' },
    ])
  })

  test(verifies('bot.limits', 'its limit is the bot’s own, whatever network it comes from'), async () => {
    const limits: Limits = { identified: '2/min', anonymous: '1/min' }
    const at = site({ limits })
    const captured = await sign()
    expect(await answer(at, captured)).toEqual(facts)
    for (const _ of [1, 2, 3])
      expect(await codes(at, { ...captured })).toEqual([401, 'replay_detected', 'request_replayed'])
    expect(await answer(at, { ...(await sign()), peer: '192.0.2.9' })).toEqual(facts)
    expect(await answer(at, await sign())).toEqual([429, 'rate_limited', 'rate_exceeded', null])
    const agent = await world.request({ as: asAgent(await world.agentAt(botId)), target: '/feed' })
    expect(await answer(at, agent)).toMatchObject({ agent: botId })
  })
})

test(
  verifies('sig.body.head-first', 'a bot is refused before the body is read, and its body is compared with its digest'),
  async () => {
    const at = site()
    const signed = '{"a":1}'
    const digest = await writeContentDigest(Buffer.from(signed))
    const headers = [['content-type', 'application/json'] as const, ['content-digest', digest] as const]
    const components = ['@authority', '@method', '@path', 'signature-agent', 'content-type', 'content-digest']
    const post = { method: 'POST', headers, components }
    let reads = 0
    const sent = async (body: string, created = now()): Promise<ReceivedMessage> =>
      unread(await sign({ ...post, body, created }), () => {
        reads++
      })
    expect(await answer(at, await sent(signed, now() - 100))).toEqual(refused('created_too_old'))
    const malformed = changed(await sent(signed), 'signature-input', /"@authority"/, '"@Authority"')
    expect(await codes(at, malformed)).toEqual([401, 'invalid_signature', expect.any(String)])
    expect(reads).toBe(0)
    expect(await answer(at, await sent(signed))).toEqual(facts)
    expect(await answer(at, await sent('{"a":2}'))).toEqual(refused('digest_wrong'))
    expect(reads).toBe(2)
  },
)

test('signatures of bots that fail count as failures of their network', async () => {
  const at = site({}, { failureLimit: '2/min' })
  const message = { ...(await sign({ created: now() - 100 })), peer: '192.0.2.7' }
  const tooOld = [401, 'invalid_signature', 'created_too_old']
  for (const code of [tooOld, tooOld, [429, 'rate_limited', 'failures_exceeded']])
    expect(await codes(at, { ...message })).toEqual(code)
  expect(await answer(at, { ...(await sign()), peer: '198.51.100.1' })).toEqual(facts)
})

test('a route that takes bots says so in a form that can hold', () => {
  const resource = world.calendar()
  for (const need of [
    { scope: 'events.read', alsoAccept: admit() },
    { agents: [world.agent.id], alsoAccept: admit() },
    { level: 'identified', body: 'stream', alsoAccept: admit() },
    { level: 'identified', alsoAccept: [] },
    { level: 'identified', alsoAccept: [admit(), admit()] },
    { level: 'identified', alsoAccept: webBot({ bots: ['https://bot.example/'] }) },
    { level: 'identified', alsoAccept: { bots: 'any', bot: 'x' } },
    { level: 'identified', alsoAccept: 'any' },
  ])
    expect(() => resource.declare(need as Need), JSON.stringify(need)).toThrow(TypeError)
  expect(() => webBot({} as never)).toThrow(TypeError)
  expect(() => webBot({ bots: 'any', bot: [] } as never)).toThrow(TypeError)
})

interface ByHand {
  readonly components: readonly string[]
  readonly method?: string
  readonly agent?: string
  /** The `Signature-Agent` that arrives, where it is another one than was signed. */
  readonly sent?: string
  readonly nonce?: string
}

/** Signs what the package `web-bot-auth` cannot spell. */
async function signByHand({
  components,
  method = 'GET',
  agent = `"${botId}"`,
  sent = agent,
  nonce,
}: ByHand): Promise<ReceivedMessage> {
  const key = await importSigningKey(bot.jwk)
  const headers = [['host', 'calendar.example'] as const, ['x-tenant', 'a'] as const]
  const at = { method, target: '/feed', scheme: 'https', authority: 'calendar.example' } as const
  const added = await signMessage({
    message: { ...at, headers: [...headers, ['signature-agent', agent]] },
    key,
    components,
    label: 'x',
    params: {
      created: now(),
      expires: now() + 60,
      keyid: await thumbprint(key.publicJwk),
      tag: 'web-bot-auth',
      ...(nonce === undefined ? {} : { nonce }),
    },
  })
  return { method, target: '/feed', headers: [...headers, ['signature-agent', sent], ...added] }
}

/** The bot's own lines of a message. */
function ofBot({ headers }: ReceivedMessage): ReceivedMessage['headers'] {
  return labelledLines(headers, 'wba').concat(headers.filter(([name]) => name === 'signature-agent'))
}

function labelled({ headers }: ReceivedMessage, label: string): ReceivedMessage['headers'] {
  return labelledLines(headers, label)
}

function labelledLines(headers: ReceivedMessage['headers'], label: string): Array<readonly [string, string]> {
  return headers
    .filter(([name]) => name === 'signature-input' || name === 'signature')
    .map(([name, value]) => [name, value.replace(/^sig1=/, `${label}=`)] as const)
}

function changed(message: ReceivedMessage, header: string, from: RegExp, to: string): ReceivedMessage {
  const headers = message.headers.map(
    ([name, value]) => [name, name === header ? value.replace(from, to) : value] as const,
  )
  return { ...message, headers }
}

async function refusal({ resource, requirement }: Site, message: ReceivedMessage): Promise<Response | undefined> {
  const authorization = await resource.authorize(message, requirement)
  return authorization.ok ? undefined : authorization.response
}

test(
  verifies('bot.unsafe', 'bot.time', 'a body is compared behind another guard, too, and counts at its last byte'),
  async () => {
    const at = site({}, { failureLimit: '2/min' })
    const open = at.resource.declare({ level: 'anonymous' })
    const digest = await writeContentDigest(Buffer.from('{"a":1}'))
    const headers = [['content-type', 'application/json'] as const, ['content-digest', digest] as const]
    const components = ['@authority', '@method', '@path', 'signature-agent', 'content-type', 'content-digest']
    const sent = async (body: string, onRead?: () => void): Promise<ReceivedMessage> => ({
      ...unread(await sign({ method: 'POST', headers, components, body }), onRead),
      peer: '192.0.2.1',
    })
    const behind = async (message: ReceivedMessage): Promise<unknown> => {
      expect(await at.resource.authorize(message, open)).toMatchObject({ ok: true })
      return answer(at, message)
    }
    expect(await behind(await sent('{"a":1}'))).toEqual(facts)
    expect(await behind(await sent('{"a":2}'))).toEqual(refused('digest_wrong'))
    const slowly =
      (seconds: number): (() => void) =>
      () => {
        world.clock.now += seconds
      }
    expect(await answer(at, await sent('{"a":1}', slowly(59)))).toEqual(facts)
    expect(await answer(at, await sent('{"a":1}', slowly(61)))).toEqual(refused('created_too_old'))
    // Each counted as a failure of its network.
    expect(await codes(at, await sent('{"a":1}'))).toEqual([429, 'rate_limited', 'failures_exceeded'])
  },
)
