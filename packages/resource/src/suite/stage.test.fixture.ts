import { generateSigningKey } from '@countersign/httpsig'
import { type ReasonEntry, reasons } from '@countersign/protocol/reasons'
import type { Answer, Wire } from '@countersign/testing/wire'
import { asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { afterEach, expect } from 'vitest'
import type { Change } from '../altered.test.fixture.js'
import type { ResourceEvent, ResourceOptions } from '../index.js'
import type { Adapter, Plan, Site } from '../site.test.fixture.js'
import { makeWorld, type World } from '../world.test.fixture.js'

// What must hold whatever a resource is behind. The core has tests of its own; here is what an adapter or a gateway can break.

const vocabulary: Readonly<Record<string, ReasonEntry>> = reasons

type Options = Partial<ResourceOptions<'events.read' | 'events.write'>>

/** How a request is refused. */
export interface Expected {
  readonly status: number | readonly number[]
  readonly error?: string
  readonly reason?: string
  /** `Agent-Auth` without its resource token; `none` where there must not be any. */
  readonly challenge?: string
  /** Which of several requests it is, for the message of a failed test. */
  readonly what?: string
}

/** What became of a request. */
export interface Outcome {
  readonly answer: Answer
  /** What the resource told of it. */
  readonly events: readonly ResourceEvent[]
}

/** A site that runs until the test ends. */
export interface Visited {
  readonly plan: Plan
  /** Of its socket, where it has one. */
  readonly port: number | undefined
  readonly send: Site['send']
  status(wire: Wire): Promise<number>
  outcome(wire: Wire): Promise<Outcome>
  /** The request passes: one handler runs, and one record says so. */
  passes(wire: Wire): Promise<Answer>
  /** The request does not pass: no handler runs, and no record says otherwise. */
  refused(wire: Wire, expected: Expected): Promise<Answer>
  /** The request as it was signed passes, the changed one does not. */
  refuses(wire: Wire, change: Change, expected: Expected): Promise<void>
  /** Ends the site. @returns the lines that its server has logged by itself */
  stop(): Promise<readonly string[]>
}

/** What every part of the suite works with. */
export interface Stage {
  readonly world: World
  readonly adapter: Adapter
  /** A pseudonymous caller: a key. */
  readonly as: Signer
  site(options?: Options): Promise<Visited>
  get(target?: string): Promise<Wire>
  post(target?: string, body?: string, contentType?: string): Promise<Wire>
  /** A delegate with an auth token. */
  holder(claims?: Record<string, unknown>): Promise<Signer>
}

/** Makes stages in one world. */
export async function stages(): Promise<(adapter: Adapter) => Stage> {
  const world = await makeWorld()
  const as = asKey(await generateSigningKey())
  return adapter => ({
    world,
    adapter,
    as,
    site: sitesOf(world, adapter),
    get: (target = '/feed') => world.request({ as, target }),
    post: (target = '/feed', body = '{"a":1}', contentType = 'application/json') =>
      world.request({ as, method: 'POST', target, body, contentType }),
    holder: async claims => asHolder(world.delegateKey, await world.authToken({ sub: 'alice', ...claims })),
  })
}

function sitesOf(world: World, adapter: Adapter): Stage['site'] {
  const sites: Site[] = []
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.stop()
  })
  return async (options = {}) => {
    const { cors } = options
    const resource = world.calendar({ siteOf, ...options })
    const plan: Plan = { resource, options, ...(cors === undefined ? {} : { cors }), ran: 0, failed: [], log: [] }
    const site = await adapter.make(plan, world)
    sites.push(site)
    return visited(site, plan, world)
  }
}

/** As the Public Suffix List has it for the hosts here. */
const siteOf = (host: string): string => host.split('.').slice(-2).join('.')

function visited(site: Site, plan: Plan, { events, fetched }: World): Visited {
  const outcome = async (wire: Wire): Promise<Outcome> => {
    const before = events.length
    const answer = await site.send(wire)
    return { answer, events: events.slice(before) }
  }
  const passes = async (wire: Wire): Promise<Answer> => {
    const before = plan.ran
    const { answer, events } = await outcome(wire)
    expect([answer.status, plan.ran], `passes: ${answer.body}`).toEqual([200, before + 1])
    expect(events.map(({ type }) => type)).toEqual(['passed'])
    return answer
  }
  const refused = async (wire: Wire, expected: Expected): Promise<Answer> => {
    const before = { ran: plan.ran, fetched: fetched.length }
    const { answer, events } = await outcome(wire)
    const { status, error, reason, challenge, what = '' } = expected
    expect([status].flat(), `${what} ${answer.body}`).toContain(answer.status)
    if (error !== undefined) expect(answer.error, what).toBe(error)
    expectVocabulary(answer)
    if (reason !== undefined) expect(answer.reason, what).toBe(reason)
    if (answer.status === 401 && answer.error !== 'replay_detected')
      expect(answer.headers.get('agent-auth')).toMatch(/^httpsig/)
    if (challenge !== undefined) expect(challengeOf(answer) ?? 'none').toBe(challenge)
    expect(plan.ran, 'no handler ran').toBe(before.ran)
    expect(fetched.length - before.fetched, 'the fetches of one request').toBeLessThanOrEqual(8)
    expectToldOnce(answer, events)
    return answer
  }
  return {
    plan,
    port: site.port,
    send: site.send,
    status: async wire => (await site.send(wire)).status,
    outcome,
    passes,
    refused,
    async refuses(wire, change, expected) {
      await refused(change(wire), expected)
      await passes(wire)
    },
    async stop() {
      await site.stop()
      return plan.log
    },
  }
}

/** A refusal has a reason of the vocabulary, and its code is one of those that the reason comes with. */
function expectVocabulary({ error, reason, body }: Answer): void {
  // Fastify itself answers what is no HTTP, with `error` in words.
  if (error !== undefined && /^[a-z_]+$/.test(error))
    expect(vocabulary[reason ?? '']?.codes ?? [], body).toContain(error)
}

/** One record of the refusal, and of a resource token only where the answer brings one. */
function expectToldOnce(answer: Answer, events: readonly ResourceEvent[]): void {
  const types = events.map(({ type }) => type)
  const minted = answer.headers.get('agent-auth')?.includes('resource_token=') ? ['resource_token'] : []
  // What is malformed is refused before any resource is asked.
  if (answer.status === 401 || answer.status === 403 || answer.status === 429)
    expect(types).toEqual([...minted, 'refused'])
  else expect(types.filter(type => type !== 'refused')).toEqual([])
}

/** `Agent-Auth` of an answer; of the resource token only that it is there. */
export function challengeOf({ headers }: Answer): string | undefined {
  return headers.get('agent-auth')?.replace(/resource_token="[\w.-]+"/, 'resource_token')
}

/** The challenge that asks for an auth token. */
export const askForToken = 'httpsig; auth-token; resource_token; auth_server="https://auth.example"'

/** A request without a signature. */
export const unsigned = (target: string, more: Partial<Wire> = {}): Wire => ({
  method: 'GET',
  target,
  headers: [['host', 'calendar.example']],
  ...more,
})
