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
} as const

/** A scope of the calendar. */
export type CalendarScope = keyof typeof calendarScopes

/** Whom the calendar calls. */
export interface CalendarNeighbours {
  /** The identifier of rooms. */
  readonly rooms: string
  /** An API behind OAuth, where its users have their contacts. */
  readonly addressBook?: OAuthApi
}

/** The calendar's routes, one for each level. */
export function calendar(
  resource: Resource<CalendarScope>,
  holidays: readonly CalendarEvent[],
  neighbours: CalendarNeighbours,
): Hono {
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
    const room = c.req.query('room')
    // First: the request comes again when the user has been asked for rooms, and must have added nothing by then.
    const booking =
      room === undefined ? undefined : await book(c.var.aauth, `${neighbours.rooms}/bookings`, { room, event })
    if (booking?.ok === false) return c.json({ error: 'no_room', error_description: 'the room cannot be booked' }, 409)
    events.push(event)
    // What strangers add is kept short.
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
  app.get('/whoami', guard(resource, { level: 'anonymous' }), c => c.json(verifiedFacts(c.var.aauth)))
  return app
}

/** Rooms may want the user's word, and trust another auth server: nothing of that is to be seen here. */
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
