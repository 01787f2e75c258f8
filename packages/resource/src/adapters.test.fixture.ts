import { afterEach, expect } from 'vitest'
import type { Change } from './altered.test.fixture.js'
import { expressAdapter } from './express-site.test.fixture.js'
import { fastifyAdapter } from './fastify-site.test.fixture.js'
import { fetchAdapter, honoAdapter } from './fetch-site.test.fixture.js'
import type { ResourceOptions } from './index.js'
import { nodeAdapter } from './node-site.test.fixture.js'
import type { Adapter, Plan, Site } from './site.test.fixture.js'
import type { Wire } from './wire.test.fixture.js'
import type { World } from './world.test.fixture.js'

/** Whatever framework a resource is behind. */
export const adapters: readonly Adapter[] = [nodeAdapter, expressAdapter, fastifyAdapter, honoAdapter, fetchAdapter]

/** What a changed request comes to. */
export interface Expected {
  readonly status: number | readonly number[]
  readonly error?: string
}

/** A site that runs until the test ends. */
export interface Visited {
  readonly plan: Plan
  readonly send: Site['send']
  status(wire: Wire): Promise<number>
  /** The request as it was signed passes, the changed one does not, and no handler sees it. */
  refuses(wire: Wire, change: Change, expected: Expected): Promise<void>
}

/** Makes sites with one adapter. */
export function sitesOf(
  world: World,
  adapter: Adapter,
): (options?: Partial<ResourceOptions<'events.read' | 'events.write'>>) => Promise<Visited> {
  const sites: Site[] = []
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.stop()
  })
  return async (options = {}) => {
    const plan: Plan = { resource: world.calendar(options), ran: 0, failed: [] }
    const made = await adapter.make(plan)
    sites.push(made)
    return {
      plan,
      send: made.send,
      status: async wire => (await made.send(wire)).status,
      async refuses(wire, change, expected) {
        const before = plan.ran
        const answer = await made.send(change(wire))
        expect([expected.status].flat(), answer.body).toContain(answer.status)
        if (expected.error !== undefined) expect(answer.error).toBe(expected.error)
        if (answer.status === 401) expect(answer.headers.get('agent-auth')).toMatch(/^httpsig/)
        expect(plan.ran, 'no handler ran').toBe(before)
        const accepted = await made.send(wire)
        expect([accepted.status, plan.ran], `the twin: ${accepted.body}`).toEqual([200, before + 1])
      },
    }
  }
}

/** A request without a signature. */
export const unsigned = (target: string, more: Partial<Wire> = {}): Wire => ({
  method: 'GET',
  target,
  headers: [['host', 'calendar.example']],
  ...more,
})
