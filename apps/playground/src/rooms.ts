import type { Resource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/hono'
import { Hono } from 'hono'
import { verifiedFacts } from './verified-facts.js'

/** The scopes of rooms, in words for users. */
export const roomsScopes = {
  'rooms.read': 'See which rooms there are',
  'rooms.book': 'Book rooms in your name',
} as const

/** A scope of rooms. */
export type RoomsScope = keyof typeof roomsScopes

const all = [
  { id: 'garden', seats: 4 },
  { id: 'library', seats: 12 },
] as const

const longestList = 1000

/** Rooms that can be booked: a resource of another domain, which trusts an auth server of its own. */
export function rooms(resource: Resource<RoomsScope>): Hono {
  const bookings: Array<{ readonly room: string; readonly day: string; readonly by: string }> = []
  const app = new Hono()
  app.use(wellKnown(resource))
  app.get('/rooms', guard(resource, { scope: 'rooms.read' }), c => c.json({ rooms: all }))
  app.post('/bookings', guard(resource, { scope: 'rooms.book' }), async c => {
    const { room, day } = (await c.req.json().catch(() => ({}))) as Record<string, unknown>
    if (typeof room !== 'string' || typeof day !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(day))
      return c.json({ error: 'invalid_request', error_description: 'a booking has room and day' }, 400)
    if (!all.some(({ id }) => id === room))
      return c.json({ error: 'invalid_request', error_description: 'there is no such room' }, 404)
    // The user, never who carries the request: a service in between books for many.
    const { user, ...facts } = verifiedFacts(c.var.aauth)
    const by = JSON.stringify([user?.iss, user?.sub])
    const taken = bookings.find(booking => booking.room === room && booking.day === day)
    if (taken !== undefined && taken.by !== by)
      return c.json({ error: 'taken', error_description: 'somebody else has the room that day' }, 409)
    if (taken === undefined) bookings.push({ room, day, by })
    if (bookings.length > longestList) bookings.shift()
    return c.json({ room, day, user, ...facts }, 201)
  })
  app.get('/whoami', guard(resource, { level: 'anonymous' }), c => c.json(verifiedFacts(c.var.aauth)))
  return app
}
