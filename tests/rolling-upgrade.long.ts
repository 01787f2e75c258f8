import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { previousRelease } from '@countersign/testing/previous-release'
import { redisForTests } from '@countersign/testing/redis'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asHolder, type Party, type Signer } from '@countersign/testing/world/signer'
import { agentToken, resourceToken } from '@countersign/testing/world/tokens'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import { afterAll, expect, test } from 'vitest'
import { testBalancer } from './balancer.fixture.js'
import { answerOf } from './delegate.fixture.js'
import { documentSite } from './document-site.fixture.js'
import { countersign, end, stand } from './processes.fixture.js'

// Instances of the last release are replaced one after the other by this one, behind a balancer, while agents and users use them.

const before = previousRelease()
const redis = await redisForTests()
const postgres = await postgresForTests(1)
const away = before.away || postgres.away || redis.away
const oldCommand = join(before.root, 'packages/cli/bin/countersign.js')
const place = stand()
/** Codes that came to the agent's callback, by `state`. */
const codes = new Map<string, string>()
const { server: site, documents } = documentSite(({ url = '' }) => {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname !== '/callback') return undefined
  codes.set(searchParams.get('state') ?? '', searchParams.get('code') ?? '')
  return {}
})
afterAll(async () => {
  await place.stop()
  site.closeAllConnections()
  await closeServer(site)
})

/** Fewer than the grants of one delegate that may live at once. */
const mostGrants = 60
/** Delegates that ask at once. */
const crowd = 4
/** Milliseconds of load in each state of the upgrade. */
const phase = 4000

interface Cast {
  readonly issuer: string
  readonly agent: Party
  readonly resource: Party
}

/** What a delegate was told that it has, and every answer that was no success. */
interface Ledger {
  readonly live: string[]
  readonly ended: string[]
  readonly failures: string[]
  requests: number
}

/** One delegate with a user of its own. */
interface Caller extends Cast {
  readonly name: string
  readonly signer: Signer
  readonly user: ReturnType<typeof scriptedUser>
  readonly ledger: Ledger
}

async function caller(cast: Cast, index: number): Promise<Caller> {
  const key = await generateSigningKey()
  const claims = { sub: `device-${index}`, jti: `agent-token-${index}` }
  const token = await agentToken(cast.agent, { key, now: Math.floor(Date.now() / 1000), claims })
  const ledger: Ledger = { live: [], ended: [], failures: [], requests: 0 }
  return { ...cast, name: claims.sub, signer: asHolder(key, token), user: scriptedUser('Ada'), ledger }
}

async function post(by: Caller, form: Record<string, string>, target = '/agent/token') {
  const message: ReceivedMessage = await signedMessage({
    as: by.signer,
    origin: by.issuer,
    target,
    method: 'POST',
    contentType: 'application/x-www-form-urlencoded',
    body: String(new URLSearchParams(form)),
  })
  by.ledger.requests += 1
  const answer = await answerOf(by.issuer, message)
  if (answer.status >= 300)
    by.ledger.failures.push(`${target} ${form['request_type']} ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function asked(by: Caller, scope: string): Promise<Record<string, string>> {
  const { signer, issuer, agent, name } = by
  const of = { key: signer.key, now: Math.floor(Date.now() / 1000), aud: issuer, agent: agent.id, agent_delegate: name }
  const resource_token = await resourceToken(by.resource, { ...of, claims: { scope, jti: crypto.randomUUID() } })
  return { request_type: 'auth', resource_token }
}

const keep = (by: Caller, { refresh_token }: Readonly<Record<string, unknown>>): void => {
  if (typeof refresh_token === 'string') by.ledger.live.push(refresh_token)
}

/** A grant that a user allows: request, pages, code. */
async function consent(by: Caller): Promise<void> {
  const redirect_uri = `${by.agent.id}/callback`
  const state = crypto.randomUUID()
  const { request_token = '' } = await post(by, { ...(await asked(by, 'events.write')), redirect_uri, state })
  // The ledger says why.
  if (request_token === '') return
  const link = new URLSearchParams({ request_token: String(request_token), redirect_uri, state })
  await by.user.decide(`${by.issuer}/agent/authorize?${link}`, 'Allow')
  const redeeming = { request_type: 'code', code: codes.get(state) ?? '', request_token: String(request_token) }
  keep(by, await post(by, { ...redeeming, redirect_uri }))
}

const refresh = (by: Caller, refresh_token: string) => post(by, { request_type: 'refresh', refresh_token })

async function revoke(by: Caller): Promise<void> {
  const token = by.ledger.live.shift()
  if (token === undefined) return
  await post(by, { token }, '/agent/revoke')
  by.ledger.ended.push(token)
}

/** All that agents do, in turn, until told that it is over. */
async function use(by: Caller, isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver(); round++) {
    if (by.ledger.live.length < mostGrants) keep(by, await post(by, await asked(by, 'events.read')))
    const known = by.ledger.live[round % by.ledger.live.length]
    if (known !== undefined) await refresh(by, known)
    if (round % 3 === 0) await revoke(by)
    if (round % 5 === 0) await consent(by)
  }
}

/** An instance of either release. */
interface Instance {
  readonly port: number
  readonly process: ChildProcess
}

test.skipIf(away !== '')(
  verifies('F-82', `instances of the last release are replaced one after the other, and no request is refused${away}`),
  { timeout: 480_000 },
  async () => {
    const sitePort = await listenOn(site)
    const party = async (host: string, kid: string): Promise<Party> => {
      return { id: `http://${host}:${sitePort}`, kid, key: await generateSigningKey() }
    }
    const [agent, resource] = [await party('localhost', 'k1'), await party('127.0.0.1', 'r1')]
    publishAgent({ web: documents }, agent.id, [agent], { redirect_uris: [`${agent.id}/callback`] })
    publishResource({ web: documents }, resource.id, [resource], {
      supported_scopes: ['events.read', 'events.write'],
      scope_descriptions: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    })
    const balancer = await testBalancer()
    const issuer = `http://localhost:${balancer.port}`
    const settings = {
      id: issuer,
      database: postgres.newUrl(),
      replay: redis.url,
      pagesPerMinute: 100_000,
      grants: [{ agent: agent.id, delegates: 'any', resource: resource.id, scopes: ['events.read'] }],
      demoUsers: [{ name: 'Ada', email: 'ada@demo.example' }],
      ask: [{ agents: 'any', resources: 'any' }],
    }
    const config = place.config('auth-server', settings)
    const instance = async (command: string): Promise<Instance> => {
      const port = await freePort()
      const program = [process.execPath, command]
      return { port, process: await place.start('auth-server', [...config, '--port', String(port)], { program }) }
    }
    const leave = async ({ process: child }: Instance): Promise<void> => {
      await end(child, 'SIGTERM')
      expect(child.exitCode).toBe(0)
    }
    const [a, b] = [await instance(oldCommand), await instance(oldCommand)]
    const balance = async (...instances: readonly Instance[]): Promise<void> => {
      balancer.balance(instances.map(({ port }) => port))
      await sleep(phase)
    }
    const callers = await Promise.all(
      Array.from({ length: crowd }, (_, index) => caller({ issuer, agent, resource }, index)),
    )
    // A replay set refuses requests that were signed before it began: it cannot tell them from replays.
    await sleep(1500)
    let isOver = false
    balancer.balance([a.port, b.port])
    const load = Promise.all(callers.map(by => use(by, () => isOver)))
    // A test that fails must not leave the load behind.
    const upgraded = (async () => {
      await balance(a, b)
      // The first of this release brings the tables up to date under the two of the last one.
      const c = await instance(countersign)
      await balance(a, b, c)
      await balance(b, c)
      await leave(a)
      const d = await instance(countersign)
      await balance(b, c, d)
      await balance(c, d)
      await leave(b)
      await balance(c, d)
      return [a, b, c, d]
    })().finally(() => {
      isOver = true
    })
    const [instances] = await Promise.all([upgraded, load])
    const ledgers = callers.map(({ ledger }) => ledger)
    expect(ledgers.flatMap(({ failures }) => failures)).toEqual([])
    // All took part, and much was done.
    for (const { port } of instances) expect(balancer.counts.get(port)).toBeGreaterThan(20)
    const count = (of: (ledger: Ledger) => number): number => ledgers.map(of).reduce((sum, one) => sum + one, 0)
    expect(count(({ live }) => live.length)).toBeGreaterThan(20)
    expect(count(({ ended }) => ended.length)).toBeGreaterThan(10)
    // What was acknowledged is there, and what was given back is not.
    for (const by of callers) {
      for (const token of by.ledger.live) expect(await refresh(by, token)).toHaveProperty('auth_token')
      expect(by.ledger.failures).toEqual([])
      for (const token of by.ledger.ended) expect(await refresh(by, token)).toMatchObject({ error: 'invalid_grant' })
    }
    await closeServer(balancer.server)
  },
)
