import { createServer as createH2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { generateSigningKey } from '@countersign/httpsig'
import { stopsAfterTests } from '@countersign/testing/stops'
import { asKey, type Signer } from '@countersign/testing/world/signer'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { guard, wellKnown } from './adapter/hono.js'
import type { Resource } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

/** The calendar as a real server; `ran` counts handlers, `stop` ends it. */
export interface Calendar {
  readonly port: number
  readonly ran: () => number
  stop(): Promise<void>
}

type CalendarResource = Resource<'events.read' | 'events.write'>

export function calendarApp(calendar: CalendarResource, ran: { count: number }): Hono {
  const app = new Hono()
  const echo = async (c: Context) => {
    ran.count += 1
    return c.json({ aauth: c.get('aauth'), body: await c.req.text() })
  }
  app.use(wellKnown(calendar))
  app.all('/public', guard(calendar, { level: 'anonymous' }), echo)
  app.all('/feed', guard(calendar, { level: 'pseudonymous' }), echo)
  app.all('/agenda', guard(calendar, { level: 'identified' }), echo)
  app.all('/partners', guard(calendar, { agents: ['https://agent.example'] }), echo)
  app.all('/events', guard(calendar, { scope: 'events.read' }), echo)
  app.all('/partner-events', guard(calendar, { scope: 'events.read', agents: ['https://agent.example'] }), echo)
  app.all('/edit', guard(calendar, { scope: 'events.write' }), echo)
  app.all('/closed', guard(calendar, { scope: 'events.read', policy: () => false }), echo)
  app.all('/tenant', guard(calendar, { level: 'pseudonymous', components: ['x-tenant'] }), echo)
  app.all('/once', guard(calendar, { level: 'pseudonymous', replay: 'all' }), echo)
  app.get('/a/*', guard(calendar, { level: 'pseudonymous' }), echo)
  return app
}

export async function serveCalendar(calendar: CalendarResource, options: { http2?: true } = {}): Promise<Calendar> {
  const ran = { count: 0 }
  return { ...(await serveApp(calendarApp(calendar, ran), options)), ran: () => ran.count }
}

/** A Hono app on a port of its own. */
export async function serveApp(
  { fetch }: Hono,
  options: { http2?: true } = {},
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createAdaptorServer(options.http2 ? { fetch, createServer: createH2Server } : { fetch })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** What the tests of one file share. */
export interface Scene {
  readonly world: World
  /** A pseudonymous caller: a key. */
  readonly as: Signer
  /** Whole Unix seconds of the world's clock at its start. */
  readonly now: number
  /** An app on a port of its own until the file ends. */
  serve(app: Hono): Promise<number>
  /** The calendar on a port of its own until the file ends. */
  serveCalendar(options?: { http2?: true }): Promise<Calendar>
  /** The same with other options of the resource. */
  serveCalendarWith(options: Parameters<World['calendar']>[0]): Promise<Calendar>
}

export async function scene(): Promise<Scene> {
  const world = await makeWorld()
  const stops = stopsAfterTests()
  return {
    world,
    as: asKey(await generateSigningKey()),
    now: Math.floor(world.clock.now),
    async serve(app) {
      const { port, stop } = await serveApp(app)
      stops.push(stop)
      return port
    },
    async serveCalendar(options = {}) {
      const calendar = await serveCalendar(world.calendar(), options)
      stops.push(calendar.stop)
      return calendar
    },
    async serveCalendarWith(options) {
      const calendar = await serveCalendar(world.calendar(options))
      stops.push(calendar.stop)
      return calendar
    },
  }
}

/** A {@link Scene} with its calendar served. */
export async function calendarScene(): Promise<Scene & { readonly calendar: Calendar }> {
  const made = await scene()
  return { ...made, calendar: await made.serveCalendar() }
}
