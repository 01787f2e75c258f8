import {
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  type PrivateJwk,
  thumbprint,
} from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, expect, test } from 'vitest'
import { verify } from 'web-bot-auth'
import { verifierFromJWK } from 'web-bot-auth/crypto'
import { createAgent } from './agent.js'
import { agentIn } from './agents.test.fixture.js'
import { pseudonym } from './identity/identity.js'
import type { Exchange } from './network.test.fixture.js'
import { auth, calendar, type World, world } from './participants.test.fixture.js'
import { type WebBotAuthOptions, webBotAuth } from './web-bot-auth.js'

const bot = 'https://bot.example'
let own: World
let jwk: PrivateJwk

beforeEach(async () => {
  own = await world()
  // The npm package verifies by the clock of the machine.
  own.clock.time = Math.floor(Date.now() / 1000)
  jwk = await generatePrivateJwk()
})

async function asBot(options: Partial<WebBotAuthOptions> = {}) {
  return webBotAuth({ signatureAgent: bot, key: await importSigningKey(jwk), to: [calendar], ...options })
}

const member = (value: string, label: string): string | undefined =>
  value.split(/, (?=[a-z]+=)/).find(one => one.startsWith(`${label}=`))

/** What the package reads: it takes no request with two labels. */
async function verified(exchange: Exchange | undefined): Promise<void> {
  if (exchange === undefined) expect.fail('nothing was sent')
  const headers = Object.fromEntries(exchange.headers)
  for (const name of ['signature-input', 'signature']) headers[name] = member(headers[name] ?? '', 'wba') ?? ''
  const { d: _, ...published } = jwk
  await verify(
    { method: exchange.method, url: exchange.origin + exchange.target, headers },
    await verifierFromJWK({ ...published }),
  )
}

test(
  verifies('bot.sent', 'the npm package verifies the bot on each step of a climb, and the agent climbs as ever'),
  async () => {
    const agent = agentIn(own, { webBotAuth: await asBot() })
    const response = await agent.fetch(`${calendar}/events?day=1`)
    expect(await response.json()).toMatchObject({ level: 'authorized' })
    const sent = own.network.sent.filter(({ origin }) => origin === calendar)
    expect(sent.map(exchange => exchange.header('signature-key')?.slice(0, 12))).toEqual([
      undefined,
      'sig=jwks_uri',
      'sig=jwt;jwt=',
    ])
    for (const exchange of sent) {
      expect(exchange.header('signature-agent')).toBe(`"${bot}"`)
      await verified(exchange)
    }
    const [first, second] = sent.map(exchange => exchange.header('signature-input') ?? '')
    const { publicJwk } = await importSigningKey(jwk)
    const { time } = own.clock
    expect(first).toMatch(
      new RegExp(
        `^wba=\\("@method" "@authority" "@path" "@query" "signature-agent"\\);created=${time};expires=${time + 60};keyid="${await thumbprint(publicJwk)}";alg="ed25519";nonce="[A-Za-z0-9+/]{86}==";tag="web-bot-auth"$`,
      ),
    )
    expect(member(second ?? '', 'sig')).not.toContain('signature-agent')
  },
)

test(verifies('bot.bound', 'it covers the whole request, and the agent’s key where there is one'), async () => {
  const agent = agentIn(own, { webBotAuth: await asBot() })
  await agent.fetch(`${calendar}/events`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })
  const [unsigned, signed] = own.network.sent.filter(({ origin }) => origin === calendar)
  const covered = ({ headers }: Exchange): string =>
    /^wba=\(([^)]*)\)/.exec(member(Object.fromEntries(headers)['signature-input'] ?? '', 'wba') ?? '')?.[1] ?? ''
  const whole = '"@method" "@authority" "@path" "content-type" "content-digest"'
  expect([unsigned, signed].map(exchange => exchange && covered(exchange))).toEqual([
    `${whole} "signature-agent"`,
    `${whole} "signature-key" "signature-agent"`,
  ])
  for (const exchange of [unsigned, signed]) {
    expect(exchange?.headers.filter(([name]) => name === 'content-digest')).toHaveLength(1)
    await verified(exchange)
    const other = exchange && { ...exchange, method: 'PUT' }
    await expect(verified(other)).rejects.toThrow()
  }
})

test(
  verifies('bot.sent', 'origins that are not listed, and token endpoints, do not learn whose bot it is'),
  async () => {
    const elsewhere = 'https://other.example'
    own.network.hosts.set(elsewhere, () => new Response('ok'))
    const agent = agentIn(own, { webBotAuth: await asBot() })
    await agent.fetch(`${elsewhere}/`)
    await agent.fetch(`${calendar}/events`)
    const told = own.network.sent.filter(exchange => exchange.header('signature-agent') !== undefined)
    expect(new Set(told.map(({ origin }) => origin))).toEqual(new Set([calendar]))
    expect(own.network.sent.some(({ origin }) => origin === auth)).toBe(true)
    const everywhere = agentIn(own, { identity: pseudonym(), webBotAuth: await asBot({ to: 'any' }) })
    await everywhere.fetch(`${elsewhere}/`)
    await verified(own.network.sent.at(-1))
    own.network.hosts.set('http://plain.example', () => new Response('ok'))
    await everywhere.fetch('http://plain.example/')
    expect(own.network.sent.at(-1)?.header('signature-agent')).toBe(undefined)
  },
)

test('the header is covered by the agent, too, where the resource demands it', async () => {
  const agent = agentIn(own, { webBotAuth: await asBot() })
  own.network.intercept(calendar, async (exchange, next) =>
    exchange.header('signature-input')?.includes('sig=') !== true ||
    /sig=\([^)]*"signature-agent"/.test(exchange.header('signature-input') ?? '')
      ? next(exchange)
      : Response.json(
          { error: 'invalid_signature', error_description: 'no', required_components: ['signature-agent'] },
          { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } },
        ),
  )
  expect(await (await agent.fetch(`${calendar}/agenda`)).json()).toMatchObject({ level: 'identified' })
  await verified(own.network.sent.at(-1))
})

test('the later spelling names the URL of the directory under the label', async () => {
  const agent = agentIn(own, { webBotAuth: await asBot({ spelling: 'dictionary' }) })
  await agent.fetch(`${calendar}/public`)
  const sent = own.network.sent.at(-1)
  expect(sent?.header('signature-agent')).toBe(`wba="${bot}/.well-known/http-message-signatures-directory"`)
  expect(sent?.header('signature-input')).toContain('"signature-agent";key="wba")')
})

test('the key is asked for at each request, and its failure is that of the call', async () => {
  const keys = [await importSigningKey(jwk), await generateSigningKey('ES256')]
  let asked = 0
  const agent = agentIn(own, {
    webBotAuth: await asBot({
      async key() {
        const key = keys[asked]
        asked += 1
        if (key === undefined) throw new Error('no key')
        return key
      },
    }),
  })
  await agent.fetch(`${calendar}/public`)
  await agent.fetch(`${calendar}/public`)
  expect(own.network.sent.map(exchange => /alg="([^"]*)"/.exec(exchange.header('signature-input') ?? '')?.[1])).toEqual(
    ['ed25519', 'ecdsa-p256-sha256'],
  )
  await expect(agent.fetch(`${calendar}/public`)).rejects.toThrow('no key')
})

test('what no bot could be made of is refused', async () => {
  const key = await generateSigningKey()
  const options = { signatureAgent: bot, key, to: 'any' } as const
  for (const wrong of [
    { signatureAgent: `${bot}/` },
    { signatureAgent: 'http://localhost:1' },
    { key: {} },
    { key: undefined },
    { to: undefined },
    { to: ['other.example'] },
    { to: () => true },
    { spelling: 'token' },
    { label: 'x' },
  ])
    expect(() => webBotAuth({ ...options, ...wrong } as never), JSON.stringify(wrong)).toThrow(TypeError)
  expect(webBotAuth({ ...options, signatureAgent: 'http://localhost:1', development: true })).toHaveProperty('sign')
  expect(() => createAgent({ identity: pseudonym(), fetcher: own.network.fetcher, webBotAuth: {} as never })).toThrow(
    TypeError,
  )
})
