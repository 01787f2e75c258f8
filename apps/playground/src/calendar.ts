import type { Guarded, OAuthApi, Resource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/hono'
import { Hono } from 'hono'
import type { CalendarEvent } from './holidays.js'
import { verifiedFacts } from './verified-facts.js'

/** The scopes of the calendar, in words for users. */
export const calendarScopes = {
  'events.read': 'See your events',
  'events.write': 'Add events to your calendar',
  'birthdays.read': 'See the birthdays of people you know',
  'appointments.read': 'See your appointments',
} as const

/** What requests to the calendar do, and which parts of its answers a user can allow, in words for users. */
export const calendarWords = {
  operations: {
    list: 'List events',
    add: 'Add an event to your calendar',
    appointments: 'List your appointments',
  },
  dataViews: {
    titles: {
      description: 'When you are busy and with what, and no notes',
      fields: ['/items/*/title', '/items/*/start'],
    },
  },
} as const

/** A scope of the calendar. */
export type CalendarScope = keyof typeof calendarScopes

/** What the calendar calls. */
export interface CalendarNeighbours {
  /** The identifier of rooms. */
  readonly rooms: string
  /** An API behind OAuth that keeps the contacts of its users. */
  readonly addressBook?: OAuthApi
}

/** The calendar's routes, one for each level. */
export function calendar(
  resource: Resource<CalendarScope>,
  holidays: readonly CalendarEvent[],
  neighbours: CalendarNeighbours,
): Hono {
  // bound: 1000 and the holidays; grown by the program
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
  app.get('/events', guard(resource, { scope: 'events.read', operation: 'list' }), c => {
    const latest = Number(c.req.query('latest'))
    return c.json({ events: latest > 0 ? events.slice(-latest) : events })
  })
  app.post('/events', guard(resource, { scope: 'events.write', operation: 'add' }), async c => {
    const event = readEvent(await c.req.json())
    if (event === undefined)
      return c.json({ error: 'invalid_request', error_description: 'an event has summary, start and end' }, 400)
    const room = c.req.query('room')
    // Before the event is added: after the user's consent for rooms the agent sends the request again.
    const booking =
      room === undefined ? undefined : await book(c.var.aauth, `${neighbours.rooms}/bookings`, { room, event })
    if (booking?.ok === false) return c.json({ error: 'no_room', error_description: 'the room cannot be booked' }, 409)
    events.push(event)
    // Events of strangers are limited.
    if (events.length > holidays.length + 1000) events.splice(holidays.length, 1)
    const by = verifiedFacts(c.var.aauth)
    return c.json({ ...event, by, ...(booking === undefined ? {} : { booking: await booking.json() }) }, 201)
  })
  const { addressBook } = neighbours
  if (addressBook !== undefined)
    app.get('/birthdays', guard(resource, { scope: 'birthdays.read' }), async c => {
      const answer = await c.var.aauth.oauth(addressBook, `${addressBook.issuer}/birthdays`)
      if (!answer.ok)
        return c.json({ error: 'no_birthdays', error_description: 'the address book cannot be read' }, 502)
      return c.json({ birthdays: await answer.json() })
    })
  app.get('/appointments', guard(resource, { scope: 'appointments.read', operation: 'appointments' }), c =>
    c.json({ items: [{ title: 'Dentist', start: '2026-12-10T09:00', notes: 'the left one, at last' }] }),
  )
  app.get('/whoami', guard(resource, { level: 'anonymous' }), c => c.json(verifiedFacts(c.var.aauth)))
  return app
}

/** Rooms trust another auth server, and may need the user's consent: `aauth.fetch` handles both. */
function book(
  aauth: Guarded,
  url: string,
  { room, event }: { readonly room: string; readonly event: CalendarEvent },
): Promise<Response> {
  return aauth.fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, day: event.start }),
  })
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
