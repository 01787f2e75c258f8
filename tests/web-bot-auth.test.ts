import { agentServer, createAgent, pseudonym } from '@countersign/agent'
import { webBotAuth } from '@countersign/agent/web-bot-auth'
import { createAgentServer } from '@countersign/agent-server'
import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent, webBot } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/hono'
import { mountHono } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// An agent that is a verified bot, its agent server, and a resource that takes both: over HTTP, with the guarded fetcher.

/** A header line. */
type Line = readonly [name: string, value: string]

const ends: Array<() => void> = []
const events: ResourceEvent[] = []
const own = { kid: 'k1', key: await generateSigningKey() }
const botKey = await generateSigningKey()
let home = ''
let site = ''

beforeAll(async () => {
  const [homePort, sitePort] = [await freePort(), await freePort()]
  home = `http://localhost:${homePort}`
  site = `http://localhost:${sitePort}`
  const keys = [{ kid: 'b1', key: botKey }]
  const server = await createAgentServer({ id: home, keys: [own], webBotAuth: { keys }, development: true })
  listen(new Hono().use(mountHono(server)), homePort)
  // Up for long: a set that just began refuses what may have been signed before it.
  const started = [Date.now() / 1000 - 1000]
  const resource = createResource({
    id: site,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    replay: memoryReplaySet({ now: () => started.pop() ?? Date.now() / 1000 }),
    development: true,
    onEvent: event => events.push(event),
  })
  const alsoAccept = webBot({ bots: [home] })
  const app = new Hono().use(wellKnown(resource))
  app.all('/feed', guard(resource, { level: 'identified', alsoAccept }), c => c.json(c.var.aauth))
  app.all('/agenda', guard(resource, { level: 'identified' }), c => c.json(c.var.aauth))
  listen(app, sitePort)
})
afterAll(() => {
  for (const end of ends) end()
})
beforeEach(() => {
  events.length = 0
})

function listen(app: Hono, port: number): void {
  const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
  ends.push(() => void server.close())
}

/** Sends as `fetch` does, with other header lines: what a proxy on the way makes of them. */
function through(change: (lines: Line[]) => Line[], sent: Line[][] = []): typeof fetch {
  return (input, init) => {
    const lines = [...new Headers(init?.headers)].map(([name, value]): Line => [name, value])
    sent.push(lines)
    return fetch(input, { ...init, headers: change(lines).map(([name, value]): [string, string] => [name, value]) })
  }
}

function agentThrough(change: (lines: Line[]) => Line[] = lines => lines, sent?: Line[][]) {
  return createAgent({
    identity: agentServer({ id: home, ...own }),
    identifyTo: 'any',
    webBotAuth: webBotAuth({ signatureAgent: home, key: botKey, to: [site], development: true }),
    fetch: through(change, sent),
    development: true,
  })
}

/** A Dictionary with one member changed, or without it. */
function withMember(lines: Line[], label: string, change: (member: string) => string | undefined): Line[] {
  return lines.flatMap(([name, value]): Line[] => {
    if (name !== 'signature' && name !== 'signature-input') return [[name, value]]
    const members = value.split(/, (?=[a-z]+=)/).map(one => (one.startsWith(`${label}=`) ? change(one) : one))
    const kept = members.filter(one => one !== undefined)
    return kept.length === 0 ? [] : [[name, kept.join(', ')]]
  })
}

const without = (lines: Line[], header: string): Line[] => lines.filter(([name]) => name !== header)

test(
  verifies('bot.beside', 'bot.published', 'bot.sent', 'an agent without a name here passes as the bot that it is'),
  async () => {
    const agent = createAgent({
      identity: pseudonym(),
      webBotAuth: webBotAuth({ signatureAgent: home, key: botKey, to: [site], development: true }),
      development: true,
    })
    const facts = { level: 'anonymous', credential: 'web-bot', bot: home, scope: [], chain: [] }
    expect(await (await agent.fetch(`${site}/feed?page=2`)).json()).toEqual(facts)
    const posted = await agent.fetch(`${site}/feed`, { method: 'POST', body: '{}' })
    expect(await posted.json()).toEqual(facts)
    const spelt = webBotAuth({
      signatureAgent: home,
      key: botKey,
      to: 'any',
      spelling: 'dictionary',
      development: true,
    })
    const later = createAgent({ identity: pseudonym(), webBotAuth: spelt, development: true })
    expect(await (await later.fetch(`${site}/feed`)).json()).toEqual(facts)
    const stranger = webBotAuth({ signatureAgent: home, key: await generateSigningKey(), to: 'any', development: true })
    const other = createAgent({ identity: pseudonym(), webBotAuth: stranger, development: true })
    expect((await other.fetch(`${site}/feed`)).status).toBe(401)
    expect(events.at(-1)).toMatchObject({ type: 'refused', error: { reason: 'bot_key_unknown' } })
  },
)

test(
  verifies(
    'SIG-24',
    'SIG-30',
    'bot.sent',
    'its AAuth signature counts alone, with the bot’s broken, changed or taken off',
  ),
  async () => {
    const expected = { level: 'identified', credential: 'aauth', agent: home }
    const broken = (lines: Line[]): Line[] => withMember(lines, 'wba', member => member.replace(/=:..../, '=:AAAA'))
    const off = (lines: Line[]): Line[] =>
      without(
        withMember(lines, 'wba', () => undefined),
        'signature-agent',
      )
    const another = (lines: Line[]): Line[] =>
      lines.map(([name, value]): Line => [name, name === 'signature-agent' ? '"https://proxy.example"' : value])
    for (const change of [(lines: Line[]) => lines, broken, off, another])
      expect(await (await agentThrough(change).fetch(`${site}/agenda`)).json()).toMatchObject(expected)
    expect(JSON.stringify(events.filter(({ type }) => type === 'passed'))).not.toContain('web-bot')
  },
)

test(
  verifies('bot.bound', 'SIG-34', 'what is left of its request without the AAuth signature is no request of the bot'),
  async () => {
    const sent: Line[][] = []
    const agent = agentThrough(undefined, sent)
    await agent.fetch(`${site}/agenda`)
    await agent.fetch(`${site}/agenda`, { method: 'POST', body: '{}' })
    const signed = sent.filter(lines => lines.some(([name]) => name === 'signature-key'))
    expect(signed.length).toBeGreaterThan(1)
    for (const lines of signed) {
      const left = without(
        withMember(lines, 'sig', () => undefined),
        'signature-key',
      )
      expect(left.some(([name]) => name === 'signature-agent')).toBe(true)
      const isPost = left.some(([name]) => name === 'content-digest')
      const body = isPost ? { method: 'POST', body: '{}' } : {}
      const response = await fetch(`${site}/feed`, {
        ...body,
        headers: left.map(([name, value]): [string, string] => [name, value]),
      })
      expect(response.status).toBe(401)
      expect(events.at(-1)).toMatchObject({ type: 'refused', error: { reason: 'component_missing' } })
    }
  },
)
