import type { AAuth, Resource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/hono'
import { Hono } from 'hono'
import type { CalendarEvent } from './holidays.js'

/** The scopes of the calendar, in words for users. */
export const calendarScopes = {
  'events.read': 'See your events',
  'events.write': 'Add events to your calendar',
} as const

/** A scope of the calendar. */
export type CalendarScope = keyof typeof calendarScopes

/** The calendar's routes, one for each level. */
export function calendar(resource: Resource<CalendarScope>, holidays: readonly CalendarEvent[]): Hono {
  const events = [...holidays]
  const limits = { anonymous: '10/min', pseudonymous: '60/min', identified: '600/min', authorized: '6000/min' }
  const app = new Hono()
  app.use(wellKnown(resource))
  app.get('/public', guard(resource, { level: 'anonymous', limits }), c =>
    c.json({ events: events.length, next: events.at(-1) }),
  )
  app.get('/feed', guard(resource, { level: 'pseudonymous' }), c => c.json({ events: events.slice(-25) }))
  app.get('/agenda', guard(resource, { level: 'identified' }), c =>
    c.json({ for: c.var.aauth.agent, events: events.slice(-50) }),
  )
  app.get('/events', guard(resource, { scope: 'events.read' }), c => c.json({ events }))
  app.post('/events', guard(resource, { scope: 'events.write' }), async c => {
    const event = readEvent(await c.req.json())
    if (event === undefined)
      return c.json({ error: 'invalid_request', error_description: 'an event has summary, start and end' }, 400)
    events.push(event)
    // What strangers add is kept short.
    if (events.length > holidays.length + 1000) events.splice(holidays.length, 1)
    return c.json(event, 201)
  })
  app.get('/whoami', guard(resource, { level: 'anonymous' }), c => c.json(verifiedFacts(c.var.aauth)))
  return app
}

function verifiedFacts(aauth: AAuth): Record<string, unknown> {
  const { level, agent, delegate, user, scope, chain, key } = aauth
  return { level, agent, delegate, user, scope, chain, key }
}

function readEvent(body: unknown): CalendarEvent | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { summary, start, end, location = '' } = body as Record<string, unknown>
  if (
    typeof summary !== 'string' ||
    typeof start !== 'string' ||
    typeof end !== 'string' ||
    typeof location !== 'string'
  )
    return undefined
  return { uid: crypto.randomUUID(), summary: summary.slice(0, 200), start, end, location: location.slice(0, 200) }
}
