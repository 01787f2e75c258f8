import type { ChildProcess } from 'node:child_process'
import { type RedisRevocationSet, redisRevocationSet } from '@countersign/redis/resource'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { ageSets } from '@countersign/testing/redis'
import { hasServer, startServer, stopServer } from '@countersign/testing/redis-stand-in'
import { stopsAfterTests } from '@countersign/testing/stops'
import { openSwitch, type TcpSwitch } from '@countersign/testing/tcp-switch'
import { send } from '@countersign/testing/wire'
import { asAgent, asHolder } from '@countersign/testing/world/signer'
import { createClient } from 'redis'
import { expect, onTestFinished, test } from 'vitest'
import { calendarScene } from '../packages/resource/src/calendar.test.fixture.js'

// A set of revocations whose Redis loses what it was told, or is another one.

const on = test.skipIf(!hasServer)
const why = hasServer ? '' : ' (skipped: no redis-server in PATH)'

const { world, serveCalendarWith } = await calendarScene()
const stops = stopsAfterTests()
const servers = new Map<number, ChildProcess>()
stops.push(() => Promise.all([...servers.values()].map(stopServer)))

async function start(port: number): Promise<void> {
  servers.set(port, await startServer(port))
}

async function stop(port: number): Promise<void> {
  const server = servers.get(port)
  servers.delete(port)
  if (server !== undefined) await stopServer(server)
}

const now = (): number => world.clock.now

let passed = 0
const monotonic = (): number => performance.now() / 1000 + passed

/** Time passes, also for the sets of a Redis. */
async function pass(seconds: number, ...ports: readonly number[]): Promise<void> {
  for (const port of ports) await ageSets({ url: `redis://127.0.0.1:${port}`, prefix: '', seconds })
  world.clock.now += seconds
  passed += seconds
}

async function opened(port: number): Promise<RedisRevocationSet> {
  const set = await redisRevocationSet({ url: `redis://127.0.0.1:${port}`, deadline: 2, now, monotonic })
  stops.push(() => set.close())
  return set
}

interface Place {
  revoke(grant: string): Promise<number>
  /** How a token is answered: its status, and why it is refused. */
  use(token: string): Promise<readonly [number, string | undefined]>
}

async function placeOn(revocations: RedisRevocationSet): Promise<Place> {
  const { port } = await serveCalendarWith({ revocations })
  return {
    async revoke(grant) {
      const body = `grant=${grant}&exp=${Math.floor(now()) + 3600}`
      const target = '/aauth/revoked-grants'
      const contentType = 'application/x-www-form-urlencoded'
      const notice = { as: asAgent(world.authServer), method: 'POST', target, body, contentType }
      return (await send(port, await world.request(notice))).status
    },
    async use(token) {
      const as = asHolder(world.delegateKey, token)
      const { status, body } = await send(port, await world.request({ as, target: '/events' }))
      return [status, status === 200 ? undefined : (JSON.parse(body) as { reason?: string }).reason]
    },
  }
}

const tokenOf = (grant: string) => world.authToken({ grant, iat: Math.floor(now()) })

/** Until Redis answers again. */
async function back(set: RedisRevocationSet): Promise<void> {
  await expect.poll(() => set.ready().then(() => 'ready', String), { timeout: 10_000 }).toBe('ready')
}

const losses: ReadonlyArray<readonly [what: string, lose: (port: number) => Promise<void>]> = [
  [
    'flushed',
    async port => {
      const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
      await client.flushAll()
      await client.close()
    },
  ],
  [
    'restarted empty',
    async port => {
      await stop(port)
      await start(port)
    },
  ],
]

for (const [what, lose] of losses)
  on(
    verifies('F-71', 'revocation.restart', `a Redis that is ${what} brings no revoked token back to life${why}`),
    async () => {
      const port = await freePort()
      await start(port)
      const set = await opened(port)
      const place = await placeOn(set)
      await pass(10, port)
      const [revoked, other] = [await tokenOf('revoked'), await tokenOf('other')]
      expect(await place.revoke('revoked')).toBe(204)
      expect([await place.use(revoked), await place.use(other)]).toEqual([
        [401, 'grant_ended'],
        [200, undefined],
      ])
      await pass(10, port)
      const heard: unknown[] = []
      onTestFinished(set.watch(grant => heard.push(grant)))
      await lose(port)
      await back(set)
      expect(heard, 'what is open may be under a grant that has ended').toContain('unknown')
      expect((await place.use(revoked))[0]).toBe(503)
      await pass(6, port)
      expect([await place.use(revoked), await place.use(other)]).toEqual([
        [401, 'token_predates_start'],
        [401, 'token_predates_start'],
      ])
      expect(await place.use(await tokenOf('other'))).toEqual([200, undefined])
    },
  )

for (const offset of [300, -300])
  on(
    verifies('F-83', `an instance whose clock is ${offset} s off neither shuts the others nor opens them${why}`),
    async () => {
      const port = await freePort()
      await start(port)
      const place = await placeOn(await opened(port))
      const wrong = await redisRevocationSet({
        url: `redis://127.0.0.1:${port}`,
        deadline: 2,
        now: () => now() + offset,
        monotonic,
      })
      stops.push(() => wrong.close())
      await pass(10, port)
      const revoked = await tokenOf('revoked')
      expect(await place.revoke('revoked')).toBe(204)
      await losses[0]?.[1](port)
      // The one that is wrong is the first to see it.
      await back(wrong)
      expect(await place.use(revoked)).toEqual([503, 'starting'])
      await pass(6, port)
      expect(await place.use(revoked)).toEqual([401, 'token_predates_start'])
      expect(await place.use(await tokenOf('other'))).toEqual([200, undefined])
    },
  )

on(verifies('F-71', `nor does another Redis, from which the resource comes back${why}`), async () => {
  const ports = [await freePort(), await freePort()] as const
  await Promise.all(ports.map(start))
  const name = await openSwitch(ports[0])
  stops.push(() => name.close())
  const set = await opened(name.port)
  const place = await placeOn(set)
  await pass(10, ...ports)
  const token = await tokenOf('twice')
  expect(await place.use(token)).toEqual([200, undefined])
  name.lead(ports[1])
  await back(set)
  expect(await place.revoke('twice')).toBe(204)
  name.lead(ports[0])
  await back(set)
  await pass(6, ...ports)
  expect(await place.use(token)).toEqual([401, 'token_predates_start'])
})

on(verifies('F-68', `a notice that is told again, since its answer was lost, is kept once${why}`), async () => {
  const port = await freePort()
  await start(port)
  const place = await placeOn(await opened(port))
  await pass(10, port)
  const token = await tokenOf('told')
  expect(await place.revoke('told')).toBe(204)
  // The resource was killed after it had kept the notice.
  const again = await placeOn(await opened(port))
  expect(await again.use(token)).toEqual([401, 'grant_ended'])
  expect(await again.revoke('told')).toBe(204)
  expect(await again.use(token)).toEqual([401, 'grant_ended'])
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
  const [key = ''] = (await client.keys('*')).filter(each => !/:(?:since|log)$/.test(each))
  expect(await client.zCard(key)).toBe(1)
  await client.close()
})

on(
  verifies('F-72', `an instance that is cut off refuses, says so, and the others refuse what is revoked${why}`),
  async () => {
    const port = await freePort()
    await start(port)
    const ways: TcpSwitch[] = []
    const sets: RedisRevocationSet[] = []
    for (let index = 0; index < 3; index++) {
      const way = await openSwitch(port)
      stops.push(() => way.close())
      ways.push(way)
      sets.push(await opened(way.port))
    }
    const places = await Promise.all(sets.map(placeOn))
    await pass(10, port)
    const [revoked, other] = [await tokenOf('cut'), await tokenOf('left')]
    ways[0]?.lead(await freePort())
    expect(await places[1]?.revoke('cut')).toBe(204)
    const answers = await Promise.all(places.flatMap(place => [place.use(revoked), place.use(other)]))
    expect(answers).toEqual([
      [503, 'store_unavailable'],
      [503, 'store_unavailable'],
      ...[1, 2].flatMap(() => [
        [401, 'grant_ended'],
        [200, undefined],
      ]),
    ])
    const readiness = await Promise.allSettled(sets.map(set => set.ready()))
    expect(readiness.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  },
)
