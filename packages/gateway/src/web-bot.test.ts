import { createBotDirectory } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent, webBot } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { type Bot, directoriesFetcher, directoryOf, makeBot } from '@countersign/testing/world/web-bot'
import { beforeAll, expect, test } from 'vitest'
import { proxiesOf } from './check.test.fixture.js'
import type { GatewayOptions, GatewayRoute } from './index.js'
import { call, ok, type Running, stage } from './stage.test.fixture.js'
import { makeWorld, resourceId, type World } from './world.test.fixture.js'

const botId = 'https://bot.example'
const now = (): number => Math.floor(Date.now() / 1000)
const events: ResourceEvent[] = []
let world: World
let bot: Bot
let routes: ReadonlyArray<GatewayRoute<'read'>>
beforeAll(async () => {
  const made = await makeWorld()
  const onEvent = (event: ResourceEvent) => events.push(event)
  world = { ...made, resource: createResource({ replay: startedReplaySet(), ...made.settings, onEvent }) }
  bot = await makeBot(botId)
  const directories = new Map([[directoryOf(botId), await bot.directory({ created: now() })]])
  const directory = createBotDirectory({ fetcher: directoriesFetcher(directories) })
  const alsoAccept = webBot({ bots: [botId], directory })
  routes = [
    { path: '/*', requirement: { level: 'identified', alsoAccept } },
    { path: '/closed', requirement: { level: 'identified' } },
  ]
})
const start = stage(() => world)

const lines = ({ headers }: ReceivedMessage): Array<[string, string]> =>
  headers.map(([name, value]): [string, string] => [name, value])

async function signed(target: string): Promise<Array<[string, string]>> {
  return lines(await bot.sign({ origin: resourceId, target, created: now() }))
}

async function seenBy(options: Partial<GatewayOptions<'read'>> = {}): Promise<Running> {
  return start(ok, routes, options)
}

test(
  verifies('bot.facts', 'SIG-36', 'the API learns the bot by a header of its own, and gets nothing of the signature'),
  async () => {
    const { port, upstream } = await seenBy()
    const forged: [string, string] = ['AAuth-Agent', 'https://agent.example']
    const headers = [...(await signed('/feed')), forged, ['AAuth_Bot', 'https://other.example'] as [string, string]]
    expect((await call(port, { target: '/feed', headers })).body).toBe('hello')
    const facts = upstream.seen[0]?.headers.filter(([name]) => /^(aauth|signature)/.test(name))
    expect(facts).toEqual([
      ['aauth-level', 'anonymous'],
      ['aauth-bot', botId],
    ])
    expect(events.at(-1)).toMatchObject({
      type: 'passed',
      aauth: { level: 'anonymous', credential: 'web-bot', bot: botId },
    })
    expect(
      (
        await call(port, {
          target: '/feed',
          headers: [
            ['host', 'api.example'],
            ['AAuth-Bot', botId],
          ],
        })
      ).status,
    ).toBe(401)
    expect(
      (await call(port, { target: '/feed', headers: await world.sign({ as: world.agent, target: '/feed' }) })).status,
    ).toBe(200)
    expect(upstream.seen[1]?.headers.some(([name]) => name === 'aauth-bot')).toBe(false)
  },
)

test(
  verifies('bot.beside', 'a route that does not opt in takes none, and one that does refuses with both ways told'),
  async () => {
    const { port, upstream } = await seenBy()
    const closed = await call(port, { target: '/closed', headers: await signed('/closed') })
    expect([closed.status, closed.headers['agent-auth']]).toEqual([401, 'httpsig; identity=?1'])
    const other = lines(await bot.sign({ origin: 'https://other.example', target: '/feed', created: now() }))
    const refused = await call(port, {
      target: '/feed',
      headers: other.map(([name, value]): [string, string] => [name, name === 'host' ? 'api.example' : value]),
    })
    expect(refused.status).toBe(401)
    expect(refused.headers['agent-auth']).toBe('httpsig; identity=?1')
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'invalid_signature', reason: 'signature_wrong' })
    expect(upstream.seen).toEqual([])
  },
)

test(
  verifies(
    'bot.facts',
    'SIG-21',
    'a check tells a proxy of a bot, and refuses a header by which a caller would be one',
  ),
  async () => {
    const { nginx, envoy } = proxiesOf(() => world)
    for (const make of [nginx, envoy]) {
      const ask = make({ routes })
      const request = await bot.sign({ origin: resourceId, target: '/feed', created: now() })
      const forged = lines(request).filter(([name]) => name !== 'host')
      const told = await ask({ target: '/feed', forged })
      expect([told.status, told.headers.get('aauth-bot'), told.headers.get('aauth-agent')]).toEqual([200, botId, ''])
      expect((await ask({ as: world.agent, target: '/feed' })).headers.has('aauth-bot')).toBe(false)
      const claimed = await ask({ as: world.agent, target: '/feed', forged: [['AAuth-Bot', botId]] })
      expect(claimed.status).not.toBe(200)
    }
  },
)

test(verifies('bot.facts', 'the signed facts name the bot as a bot'), async () => {
  const [key] = world.settings.keys
  if (key === undefined) expect.fail('no key')
  const { port, upstream } = await seenBy({ identity: key })
  expect((await call(port, { target: '/feed', headers: await signed('/feed') })).status).toBe(200)
  const jwt = upstream.seen[0]?.headers.find(([name]) => name === 'aauth-identity')?.[1] ?? ''
  const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ level: 'anonymous', credential: 'web-bot', bot: botId })
  expect(claims).not.toHaveProperty('agent')
  expect(claims).not.toHaveProperty('jkt')
})
