import { createDiscovery } from '@countersign/discovery'
import { headerValues, importSigningKey, memoryReplaySet, type PrivateJwk } from '@countersign/httpsig'
import { createResource, type ResourceEvent, type ResourceOptions } from '../index.js'
import type { CalendarResource, Plan } from '../site-pages.test.fixture.js'
import { calendarWords } from '../site-words.test.fixture.js'

// The site in a process of its own, on another runtime: a test in Node makes it anew, sets its clock, and asks what happened.
// On what the web has and nothing of Node.

type Options = Partial<ResourceOptions<'events.read' | 'events.write'>>

/** How a site is to be made. */
export interface Order {
  /** What of the resource's options can be sent. */
  readonly options: Options
  readonly now: number
  readonly jwk: PrivateJwk
  /** Where the documents of the world are. */
  readonly documents: string
  /** A proxy names requests by `X-Request-Id`. */
  readonly namesRequests: boolean
  /** The replay set has only just begun. */
  readonly startsNow: boolean
}

/** What happened since it was last asked. */
export interface Report {
  readonly ran: number
  readonly failed: ReadonlyArray<{ readonly name: string; readonly message: string }>
  readonly events: readonly ResourceEvent[]
}

/** Where the test speaks to the process. */
export const control = '/--/'

/** What listens to the test: `order` makes a site, `clock` sets the time, `report` asks. */
export function remoteSite<Handle>(build: (plan: Plan) => Handle): {
  current(): Handle | undefined
  plan(): Plan | undefined
  answer(path: string, body: string): Promise<string>
} {
  const clock = { now: 0 }
  const events: ResourceEvent[] = []
  let plan: Plan | undefined
  let handle: Handle | undefined
  const report = (): Report => {
    const failed = plan?.failed.splice(0).map(error => named(error)) ?? []
    const ran = plan?.ran ?? 0
    if (plan !== undefined) plan.ran = 0
    return { ran, failed, events: events.splice(0) }
  }
  return {
    current: () => handle,
    plan: () => plan,
    async answer(path, body) {
      const sent = JSON.parse(body || '{}') as Order
      clock.now = sent.now
      if (path === `${control}order`) {
        events.length = 0
        const resource = await resourceOf(sent, clock, event => events.push(event))
        plan = { resource, ran: 0, failed: [], log: [] }
        handle = build(plan)
      }
      return JSON.stringify(report())
    },
  }
}

function named(error: unknown): { name: string; message: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { name, message }
}

async function resourceOf(
  order: Order,
  clock: { readonly now: number },
  onEvent: (event: ResourceEvent) => void,
): Promise<CalendarResource> {
  const now = () => clock.now
  let asked = order.startsNow
  return createResource({
    id: 'https://calendar.example',
    keys: [{ kid: 'r1', key: await importSigningKey(order.jwk) }],
    authServers: ['https://auth.example'],
    scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    ...calendarWords,
    siteOf: host => host.split('.').slice(-2).join('.'),
    discovery: createDiscovery({
      now,
      fetcher: async url => {
        const response = await fetch(`${order.documents}?url=${encodeURIComponent(url)}`)
        const body = new Uint8Array(await response.arrayBuffer())
        return { status: response.status, contentType: 'application/json', body }
      },
    }),
    replay: memoryReplaySet({
      now: () => {
        if (asked) return now()
        asked = true
        return now() - 1000
      },
    }),
    now,
    onEvent,
    ...(order.namesRequests ? { requestId: message => headerValues(message, 'x-request-id')[0] } : {}),
    ...order.options,
  })
}
