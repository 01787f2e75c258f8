import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { deviceCode } from '@countersign/agent'
import { openOperator } from '@countersign/console'
import { generateSigningKey, type HeaderLines, signRequest } from '@countersign/httpsig'
import { agentTransport } from '@countersign/mcp/client'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { networkBrowser } from '@countersign/testing/browser'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { inviteUser } from '@countersign/user-desk'
import { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { softPasskey } from '../testing/auth/src/authenticator.js'
import { formIn } from '../testing/auth/src/passkey-world.js'
import { browserOf, urlOf } from './domains.fixture.js'
import { type ManyInstances, manyInstances } from './many-instances.fixture.js'
import { appAgent, messageTo, newDelegate, post, servedBy, typing } from './many-instances-agents.fixture.js'

// Three instances of each participant behind nginx, which hands each request to the next one, on PostgreSQL with a synchronous standby and
// a Redis Cluster.

const needs = ['postgres', 'pg_basebackup', 'redis-server', 'nginx'] as const
requireRig(...needs)
const away = rigAway(...needs)
const on = away === '' ? test : test.skip

let place: ManyInstances
let upstream: Server
let effects = 0

beforeAll(async () => {
  if (away !== '') return
  upstream = createServer((_, response) => {
    effects++
    response.end('done')
  })
  place = await manyInstances(`http://127.0.0.1:${await listenOn(upstream)}`)
})

afterAll(async () => {
  if (away !== '') return
  await place.stop()
  await closeServer(upstream)
})

on(verifies('F-21', `each instance enrols, and grants without a user${away}`), async () => {
  const served = servedBy(place)
  const agents = await Promise.all(Array.from({ length: 3 }, () => newDelegate(place, { fetch: served.fetch })))
  const answers = await Promise.all(agents.map(agent => agent.fetch(`${place.ids.calendar}/events`)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  const delegates = await Promise.all(answers.map(async answer => (await answer.json()).delegate))
  expect(new Set(delegates).size).toBe(3)
  for (const role of ['app', 'one', 'calendar'] as const) expect(served.of(role).size, role).toBeGreaterThan(1)
})

on(verifies('consent.remembered', `a user signs in and agrees, each page at another instance${away}`), async () => {
  const served = servedBy(place)
  const { ids } = place
  const view = appAgent(place, served.fetch).forUser('ada')
  const ada = browserOf(view, `${ids.app}/callback`)
  const call = (): Promise<Response> => view.fetch(`${ids.calendar}/write`)
  await ada.follow(await urlOf(call()), ['Ada Lovelace', 'Allow'])
  const response = await call()
  expect([response.status, await response.json()]).toEqual([200, { user: expect.any(String) }])
  const account = await scriptedUser('Ada Lovelace').account(ids.one)
  expect(account.agents).toContain(new URL(ids.app).host)
})

on(
  verifies(
    'interaction.browser',
    `a resource sends its user on, and two hops pass, each step at another instance${away}`,
  ),
  async () => {
    const { ids } = place
    const view = appAgent(place).forUser('grace')
    const grace = browserOf(view, `${ids.app}/callback`)
    const call = (): Promise<Response> => view.fetch(`${ids.calendar}/bookings`)
    await grace.follow(await urlOf(call()), ['Grace Hopper', 'Allow'])
    await grace.follow(await urlOf(call()), ['Grace', 'Allow', 'Connect', 'Allow'])
    for (let round = 0; round < 3; round++)
      expect(await (await call()).json()).toEqual({ agent: ids.calendar, issuer: ids.two, user: expect.any(String) })
  },
)

on(
  verifies(
    'account.passkey',
    `a passkey makes an account, and signs its user in, each step at another instance${away}`,
  ),
  async () => {
    const { one } = place.ids
    const passkey = softPasskey({ origin: one, rpId: 'localhost' })
    const database = place.postgres.url.replace('/test?', '/one?')
    const { url = '' } = (await inviteUser({ issuer: one, database, development: true })) ?? {}
    const first = networkBrowser()
    const made = formIn(await (await first.get(url)).text())
    const credential = passkey.created(made.options)
    const answer = await first.post(new URL(made.action, one).href, { ...made.fields, name: 'Linus', credential })
    expect(answer.status).toBe(303)
    for (let round = 0; round < 2; round++) {
      const browser = networkBrowser()
      const login = formIn(await (await browser.get(`${one}/login?return_to=/account`)).text())
      const proof = { ...login.fields, credential: passkey.signed(login.options) }
      expect((await browser.post(new URL(login.action, one).href, proof)).status).toBe(303)
      for (let page = 0; page < 3; page++) expect(await (await browser.get(`${one}/account`)).text()).toContain('Linus')
    }
  },
)

on(verifies('refresh.not-rotated', `a grant is refreshed at whichever instance, again and again${away}`), async () => {
  const { ids } = place
  const served = servedBy(place)
  const agent = await newDelegate(place, { interact: typing('Ada Lovelace', 'Allow'), fetch: served.fetch })
  for (let round = 0; round < 4; round++) {
    expect((await agent.fetch(`${ids.calendar}/write`)).status).toBe(200)
    // Longer than its tokens live.
    await new Promise(resolve => setTimeout(resolve, 12_500))
  }
  expect(served.of('one').size).toBeGreaterThan(1)
})

on(`wrong codes of one browser are counted by all instances together${away}`, async () => {
  // A user of their own: who guesses too often has to wait.
  const user = scriptedUser('Mallory')
  const answers: string[] = []
  for (let guess = 0; guess < 7; guess++) {
    const code = { verification_uri: `${place.ids.one}/device`, user_code: 'BCDF-GHJK' }
    answers.push(
      await user.typeIn(code, 'Allow').then(
        () => 'passed',
        error => String(error),
      ),
    )
  }
  expect(answers.map(answer => /answers the user with (\d+)/.exec(answer)?.[1])).toEqual([
    ...Array.from({ length: 5 }, () => '400'),
    '429',
    '429',
  ])
})

on(`a device polls, and its user types a code, at whichever instance${away}`, async () => {
  const agent = await newDelegate(place, { interact: typing('Grace Hopper', 'Allow') })
  expect((await agent.fetch(`${place.ids.calendar}/write`)).status).toBe(200)
})

on(verifies('NON-12', 'F-37', `of one request at all instances at once one is processed${away}`), async () => {
  const { ids, ports } = place
  const key = await generateSigningKey()
  for (const role of ['gate', 'calendar'] as const) {
    const target = role === 'gate' ? '/open' : '/once'
    for (let round = 0; round < 5; round++) {
      const before = effects
      const url = `${ids[role]}${target}`
      const lines = await signRequest({ method: 'POST', url, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
      const send = (port: number): Promise<number> => post({ port, host: new URL(url).host, target, lines })
      const statuses = await Promise.all(ports.flatMap(each => [send(each[role]), send(each[role])]))
      expect(statuses.sort((a, b) => a - b)).toEqual([200, 401, 401, 401, 401, 401])
      if (role === 'gate') expect(effects - before).toBe(1)
    }
  }
})

on(verifies('RAT-01', `a limit holds for all instances together${away}`), async () => {
  const key = await generateSigningKey()
  const url = `${place.ids.calendar}/limited`
  const statuses: number[] = []
  for (let call = 0; call < 8; call++) {
    const lines = await signRequest({ method: 'GET', url, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
    const headers = lines.map(([name, value]): [string, string] => [name, value])
    statuses.push((await fetch(url, { headers })).status)
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
})

on(
  verifies('approval.once', `each approved call passes once, and its user is asked at whichever instance${away}`),
  async () => {
    const { ids } = place
    const body = JSON.stringify({ subject: 'Lunch' })
    const agent = await newDelegate(place, { interact: typing('Ada Lovelace', 'Allow') })
    const headers = { 'content-type': 'application/json' }
    const send = (): Promise<Response> => agent.fetch(`${ids.calendar}/messages`, { method: 'POST', body, headers })
    for (let round = 0; round < 2; round++) {
      const response = await send()
      expect([response.status, await response.json()]).toEqual([200, { sent: true }])
    }
  },
)

on(verifies('revocation.refused', `what is revoked at one instance is refused at all${away}`), async () => {
  const { ids } = place
  const agent = await newDelegate(place, { interact: deviceCode({ show: () => undefined }) })
  const call = (): Promise<Response> => agent.fetch(`${ids.calendar}/events`)
  const caller = await (await call()).json()
  const operator = await openOperator({
    issuer: ids.one,
    database: place.postgres.url.replace('/test?', '/one?'),
    development: true,
  })
  expect(await operator.grants.revoke({ agent: ids.app, delegate: caller.delegate })).toBeGreaterThan(0)
  await operator.agents.block({ agent: ids.app, delegate: caller.delegate })
  await operator.close()
  const statuses = async (): Promise<number[]> => {
    const answers = await Promise.all(Array.from({ length: 6 }, call))
    return answers.map(({ status }) => status)
  }
  await expect.poll(async () => (await statuses()).every(status => status >= 400), { timeout: 30_000 }).toBe(true)
  // An auth server may take as long to hear of a block, and gives grants until then.
  await sleep(5000)
  expect((await statuses()).filter(status => status === 200)).toEqual([])
})

describe(`an MCP server of many instances${away}`, () => {
  async function connected(): Promise<Client> {
    const agent = await newDelegate(place, { interact: typing('Ada Lovelace', 'Allow') })
    const client = new Client({ name: 'any', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(agentTransport(`${place.ids.tools}/mcp`, agent))
    return client
  }

  on('a user agrees to a tool, and what one instance changes subscribers of another hear', async () => {
    const client = await connected()
    expect(await client.callTool({ name: 'pay', arguments: {} })).toMatchObject({ content: [{ text: 'done' }] })
    let updates = 0
    client.setNotificationHandler('notifications/resources/updated', () => {
      updates++
    })
    const subscription = await client.listen({ resourceSubscriptions: ['note://1'] })
    await new Promise(resolve => setTimeout(resolve, 1000))
    for (let instance = 1; instance <= 3; instance++) {
      await client.callTool({ name: 'touch', arguments: {} })
      await expect.poll(() => updates, { timeout: 10_000 }).toBe(instance)
    }
    await subscription.close()
    await client.close()
  })

  on(
    verifies('mcp.continued', `a task that one instance began every other goes on with, for its caller alone${away}`),
    async () => {
      const served = servedBy(place)
      const say = messageTo(`${place.ids.tools}/mcp`)
      const [alice, other] = [await newDelegate(place, { fetch: served.fetch }), await newDelegate(place)]
      const begun = await say(alice, 'tools/call', { name: 'report' })
      expect(begun).toMatchObject({ resultType: 'task', status: 'working' })
      const { taskId } = Object(begun)
      for (let asked = 0; asked < 6; asked++)
        expect(await say(alice, 'tasks/get', { taskId })).toMatchObject({ taskId, status: 'working' })
      expect(served.of('tools').size).toBe(3)
      expect(await say(other, 'tasks/get', { taskId })).toMatchObject({ data: { reason: 'continuation_unknown' } })
    },
  )
})

describe(`when servers are lost${away}`, () => {
  /** Requests in a row, each of which ends in 10 seconds. */
  async function statusesOf(send: () => Promise<Response>): Promise<number[]> {
    const statuses: number[] = []
    for (let round = 0; round < 9; round++) statuses.push((await send()).status)
    return statuses
  }

  async function recovers(send: () => Promise<Response>): Promise<void> {
    const all = async () => (await statusesOf(send).catch(() => [0])).every(status => status === 200)
    await expect.poll(all, { timeout: 60_000 }).toBe(true)
  }

  on('the standby is promoted: nothing acknowledged is lost, and service is back without a restart', async () => {
    const { ids, postgres } = place
    const agents = await Promise.all(Array.from({ length: 4 }, () => newDelegate(place)))
    for (const agent of agents) expect((await agent.fetch(`${ids.calendar}/events`)).status).toBe(200)
    const lost = postgres.primary
    await lost.kill()
    await postgres.promote()
    await expect
      .poll(
        () =>
          newDelegate(place).then(
            () => true,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true)
    for (const agent of agents) await recovers(() => agent.fetch(`${ids.calendar}/events`))
    const fresh = await newDelegate(place)
    await recovers(() => fresh.fetch(`${ids.calendar}/events`))
  })

  on(verifies('F-25', 'a Redis node is lost: its replica takes over, and no request passes twice'), async () => {
    const { ids, redis } = place
    const key = await generateSigningKey()
    const url = `${ids.calendar}/once`
    const signed = () => signRequest({ method: 'POST', url, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
    const send = async (lines: HeaderLines): Promise<Response> =>
      fetch(url, { method: 'POST', headers: lines.map(([name, value]): [string, string] => [name, value]) })
    const before = await Promise.all(Array.from({ length: 30 }, signed))
    for (const lines of before) expect((await send(lines)).status).toBe(200)
    const lost = await redis.masterOf('{replay:calendar:0}')
    await lost.kill()
    // Not processed, or judged: never a second time.
    for (const lines of before) expect((await send(lines)).status).toBeGreaterThan(400)
    await expect
      .poll(async () => (await redis.masterOf('{replay:calendar:0}')) !== lost, { timeout: 60_000 })
      .toBe(true)
    await redis.well()
    await recovers(async () => send(await signed()))
    for (const lines of before) expect((await send(lines)).status).toBeGreaterThan(400)
  })
})
