import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { bytesOf } from '@countersign/testing/wire'
import { asHolder } from '@countersign/testing/world/signer'
import { startedClock } from '@countersign/testing/world/started-clock'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, describe, expect, test } from 'vitest'
import { guard as guardExpress } from '../adapter/express-node.js'
import { guard as guardFastify } from '../adapter/fastify-node.js'
import { guard as guardFetch } from '../adapter/fetch.js'
import { guard as guardHono } from '../adapter/hono.js'
import { guard as guardNode } from '../adapter/node.js'
import { serveApp } from '../calendar.test.fixture.js'
import { memoryRevocationSet, type Resource, type RevocationSet } from '../index.js'
import { makeWorld } from '../world.test.fixture.js'
import { openExchanges } from './open-exchanges.js'

const world = await makeWorld()
const scope = { scope: 'events.read' } as const
const stops: Array<() => unknown> = []
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})

type Calendar = Resource<'events.read' | 'events.write'>

/** Serves a download of a gigabyte behind its first words. */
const downloads: Record<string, (calendar: Calendar) => Promise<number>> = {
  async node(calendar) {
    const part = Buffer.alloc(65_536)
    const server = createServer(
      guardNode(calendar, scope, (_, response) => {
        let left = 16_384
        const more = (): void => {
          while (left > 0 && !response.destroyed && response.write(part)) left -= 1
          if (left === 0) response.end()
        }
        response.writeHead(200, { 'content-length': String(65_536 * 16_384 + 9) }).on('drain', more)
        response.write('data: one')
        more()
      }),
    )
    return listen(server)
  },
  async fetch(calendar) {
    const handle = guardFetch(calendar, scope, () => {
      let isFirst = true
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(isFirst ? new TextEncoder().encode('data: one') : new Uint8Array(65_536))
          isFirst = false
        },
      })
      return new Response(body, { headers: { 'content-length': String(65_536 * 16_384 + 9) } })
    })
    const { port, stop } = await serveApp(
      new Hono().all('*', c => handle(new Request(c.req.raw.url, c.req.raw.clone()))),
    )
    stops.push(stop)
    return port
  },
}

/** Serves an event stream that sends one event and never ends. */
const servers: Record<string, (calendar: Calendar) => Promise<number>> = {
  async node(calendar) {
    const server = createServer(
      guardNode(calendar, scope, (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: one\n\n')
      }),
    )
    return listen(server)
  },
  async express(calendar) {
    const app = express()
    app.get('/events', guardExpress(calendar, scope), (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
    })
    return listen(createServer(app))
  },
  async fastify(calendar) {
    const app = fastify({ forceCloseConnections: true })
    await app.register(async routes => {
      routes.get('/events', { ...guardFastify(calendar, scope) }, (_, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
        reply.raw.write('data: one\n\n')
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    stops.push(() => app.close())
    return (app.server.address() as AddressInfo).port
  },
  async hono(calendar) {
    const app = new Hono()
    app.get('/events', guardHono(calendar, scope), () => eventStream())
    const { port, stop } = await serveApp(app)
    stops.push(stop)
    return port
  },
  async fetch(calendar) {
    const handle = guardFetch(calendar, scope, () => eventStream())
    const { port, stop } = await serveApp(
      new Hono().all('*', c => handle(new Request(c.req.raw.url, c.req.raw.clone()))),
    )
    stops.push(stop)
    return port
  },
}

function eventStream(): Response {
  const body = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(new TextEncoder().encode('data: one\n\n')),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  stops.push(() => server.close())
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

/** Opens the stream; resolves once its first event is there. */
async function openStream(
  port: number,
  grant: string | undefined,
  { how = 'at once', constraints }: { how?: 'slowly' | 'at once'; constraints?: readonly object[] } = {},
) {
  const claims = { ...(grant === undefined ? {} : { grant }), ...(constraints === undefined ? {} : { constraints }) }
  const token = await world.authToken(claims)
  const wire = await world.request({ as: asHolder(world.delegateKey, token), target: '/events' })
  const socket = connect(port, '127.0.0.1', () => socket.write(bytesOf(wire, 'keep-alive')))
  stops.push(() => socket.destroy())
  let text = ''
  const state = { isOpen: true, bytes: 0, isSlow: how === 'slowly' }
  socket.on('close', () => {
    state.isOpen = false
  })
  socket.on('error', () => undefined)
  await new Promise<void>(resolve => {
    socket.on('data', chunk => {
      state.bytes += chunk.length
      // A reader that keeps up for a moment, and then takes little: the server has more to send than the sockets hold.
      if (state.isSlow) {
        socket.pause()
        setTimeout(() => socket.resume(), 20)
      }
      if (text.includes('data: one')) return
      text += String(chunk)
      if (text.includes('data: one')) resolve()
    })
    socket.on('close', () => resolve())
  })
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  return { state, close: () => socket.destroy() }
}

async function until(condition: () => boolean, ms = 1000): Promise<void> {
  const end = performance.now() + ms
  while (!condition() && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 5))
}

describe.each(Object.keys(servers))('an event stream of %s', name => {
  test(verifies('revocation.streams', 'REV-09', 'ends within a second of the notice; others go on'), async () => {
    const revocations = memoryRevocationSet({ now: startedClock(() => world.clock.now) })
    const port = await servers[name]?.(world.calendar({ revocations }))
    if (port === undefined) throw new Error(`no server ${name}`)
    const [revoked, other, without] = [
      await openStream(port, 'g1'),
      await openStream(port, 'g2'),
      await openStream(port, undefined),
    ]
    await revocations.add({ issuer: 'https://auth.example', grant: 'g1', exp: world.clock.now + 600 })
    await until(() => !revoked.state.isOpen)
    expect([revoked.state.isOpen, other.state.isOpen, without.state.isOpen]).toEqual([false, true, true])
  })
})

describe.each(Object.keys(servers))('an event stream of %s under conditions', name => {
  test(verifies('policy.streams', 'ends with `until` and `hours`; another goes on'), async () => {
    const port = await servers[name]?.(world.calendar())
    if (port === undefined) throw new Error(`no server ${name}`)
    const { now } = world.clock
    // Half a second before nine on a Monday.
    world.clock.now = Date.parse('2027-03-15T08:59:59.500Z') / 1000
    const hours = { type: 'hours', zone: 'UTC', days: [1], from: '08:00', to: '09:00' }
    const [short, within, long] = [
      await openStream(port, 'g1', { constraints: [{ type: 'until', time: Math.ceil(world.clock.now) }] }),
      await openStream(port, undefined, { constraints: [hours] }),
      await openStream(port, 'g3', { constraints: [{ type: 'until', time: Math.ceil(world.clock.now) + 4_000_000 }] }),
    ]
    world.clock.now = now
    await until(() => [short, within].every(({ state }) => !state.isOpen), 2000)
    expect([short.state.isOpen, within.state.isOpen, long.state.isOpen]).toEqual([false, false, true])
  })
})

describe.each(Object.keys(downloads))('a download of %s', name => {
  test(verifies('REV-09', 'of a gigabyte ends within a second of the notice; another goes on'), async () => {
    const revocations = memoryRevocationSet({ now: startedClock(() => world.clock.now) })
    const port = await downloads[name]?.(world.calendar({ revocations }))
    if (port === undefined) throw new Error(`no server ${name}`)
    const [revoked, other] = [
      await openStream(port, 'g1', { how: 'slowly' }),
      await openStream(port, 'g2', { how: 'slowly' }),
    ]
    await revocations.add({ issuer: 'https://auth.example', grant: 'g1', exp: world.clock.now + 600 })
    // What the sockets hold is read to its end.
    revoked.state.isSlow = false
    await until(() => !revoked.state.isOpen)
    expect([revoked.state.isOpen, other.state.isOpen]).toEqual([false, true])
    expect(revoked.state.bytes).toBeLessThan(65_536 * 16_384)
    other.close()
  })
})

describe('open exchanges', () => {
  const grant = { issuer: 'https://auth.example', grant: 'g' }

  test('a grant that was revoked between the check and the entry ends at once', async () => {
    const set = memoryRevocationSet()
    const open = openExchanges(set)
    await set.add({ ...grant, exp: Date.now() / 1000 + 60 })
    let ended = 0
    open.enter(grant, () => {
      ended += 1
    })
    expect(ended).toBe(1)
  })

  test('one that has left is not ended', async () => {
    const set = memoryRevocationSet()
    const open = openExchanges(set)
    const ended: string[] = []
    const leave = open.enter(grant, () => ended.push('left'))
    open.enter(grant, () => ended.push('there'))
    leave()
    await set.add({ ...grant, exp: Date.now() / 1000 + 60 })
    expect(ended).toEqual(['there'])
  })

  test('all of them end when the set has been unreadable for too long', () => {
    let tell: Parameters<RevocationSet['watch']>[0] = () => undefined
    const set: RevocationSet = {
      add: async () => 'kept',
      has: async () => false,
      hasHeard: () => false,
      watch(listener) {
        tell = listener
        return () => undefined
      },
    }
    const open = openExchanges(set)
    const ended: string[] = []
    open.enter(grant, () => ended.push('one'))
    open.enter({ ...grant, grant: 'h' }, () => ended.push('two'))
    tell('unknown')
    expect(ended).toEqual(['one', 'two'])
  })
})
