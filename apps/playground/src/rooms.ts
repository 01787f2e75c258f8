import { type DescribedRequest, display, type Resource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/hono'
import { Hono } from 'hono'
import { verifiedFacts } from './verified-facts.js'

/** The scopes of rooms, in words for users. */
export const roomsScopes = {
  'rooms.read': 'See which rooms there are',
  'rooms.book': 'Book rooms in your name',
  'fees.pay': 'Pay for rooms, at your expense',
} as const

/** What requests to rooms do, in words for users. */
export const roomsWords = {
  operations: { list: 'List rooms', book: 'Book a room', pay: 'Pay for a room' },
} as const

/** A scope of rooms. */
export type RoomsScope = keyof typeof roomsScopes

const all = [
  { id: 'garden', seats: 4 },
  { id: 'library', seats: 12 },
] as const

/**
 * Rooms that can be booked: a resource of another domain, which trusts an auth server of its own. It keeps no bookings, so that no story
 * finds its room taken by another.
 */
export function rooms(resource: Resource<RoomsScope>): Hono {
  const app = new Hono()
  app.use(wellKnown(resource))
  app.get('/rooms', guard(resource, { scope: 'rooms.read', operation: 'list' }), c => c.json({ rooms: all }))
  app.post('/bookings', guard(resource, { scope: 'rooms.book', operation: 'book' }), async c => {
    const { room, day } = (await c.req.json().catch(() => ({}))) as Record<string, unknown>
    if (typeof room !== 'string' || typeof day !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(day))
      return c.json({ error: 'invalid_request', error_description: 'a booking has room and day' }, 400)
    if (!all.some(({ id }) => id === room))
      return c.json({ error: 'invalid_request', error_description: 'there is no such room' }, 404)
    return c.json({ room, day, ...verifiedFacts(c.var.aauth) }, 201)
  })
  // Whatever was allowed before: the user is asked for each payment.
  const paying = { scope: 'fees.pay', operation: 'pay', approve: true, describe: describePayment } as const
  app.post('/payments', guard(resource, paying), async c => c.json(readPayment(await c.req.json()), 201))
  app.get('/whoami', guard(resource, { level: 'anonymous' }), c => c.json(verifiedFacts(c.var.aauth)))
  return app
}

interface Payment {
  readonly amount: number
  readonly for: string
}

/** Throws for anything else, which refuses the request: what cannot be shown cannot be approved. */
function readPayment(body: unknown): Payment {
  const { amount, for: what } = Object(body) as Readonly<Record<string, unknown>>
  if (typeof amount !== 'number' || typeof what !== 'string') throw new TypeError('a payment has amount and for')
  return { amount, for: what }
}

function describePayment(request: DescribedRequest): readonly string[] {
  const { amount, for: what } = readPayment(request.json())
  return display`Pay ${amount} euros for ${what}`
}
