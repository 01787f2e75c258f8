import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { type Answer, bytesOf, parseAnswer, sendBytes, type Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { forgeToken } from '@countersign/testing/world/tokens'
import { afterAll, describe, expect, test } from 'vitest'
import { type Guarded, type Scopes, sendHead, serve, sites } from './head-sites.test.fixture.js'
import type { Requirement, ResourceOptions } from './index.js'
import { makeWorld } from './world.test.fixture.js'

const world = await makeWorld()
const stranger = asKey(await generateSigningKey())
const holder = async (jwt: Promise<string>): Promise<Signer> => asHolder(world.delegateKey, await jwt)
const post = async (as: Signer | Promise<Signer>): Promise<Wire> =>
  world.request({ as: await as, method: 'POST', target: '/up', body: '"the body"' })

/** The signature of another request under the same key. */
async function flipped(as: Signer): Promise<Wire> {
  const [wire, other] = [await post(as), await post(as)]
  const signature = other.headers.find(([name]) => name === 'signature')?.[1] ?? ''
  return { ...wire, headers: wire.headers.map(([name, value]) => [name, name === 'signature' ? signature : value]) }
}

const unmet = await world.agentAt('https://unmet.example')

const ofType = (typ: string): Promise<string> =>
  forgeToken(unmet, { typ }, { iss: unmet.id, cnf: { jwk: world.delegateKey.publicJwk } })

interface Reason {
  readonly name: string
  readonly options?: Partial<ResourceOptions<Scopes>>
  readonly need: Requirement<Scopes>
  readonly bad: () => Promise<Wire>
  readonly good: () => Promise<Wire>
  readonly expected: readonly [status: number, error: string]
}

const identified: Requirement<Scopes> = { level: 'identified' }
const scoped: Requirement<Scopes> = { scope: 'events.read' }
const agent = asAgent(world.agent)
const other = asAgent(world.otherAgent)

const reasons: readonly Reason[] = [
  {
    name: 'a signature that does not hold, of a key',
    need: { level: 'pseudonymous' },
    bad: () => flipped(stranger),
    good: () => post(stranger),
    expected: [401, 'invalid_signature'],
  },
  {
    name: 'a signature that does not hold, of an agent',
    need: identified,
    bad: () => flipped(agent),
    good: () => post(agent),
    expected: [401, 'invalid_signature'],
  },
  {
    name: 'a key where an agent is asked for',
    need: identified,
    bad: () => post(stranger),
    good: () => post(agent),
    expected: [401, 'insufficient_level'],
  },
  ...['at+jwt', 'resource+jwt', 'AGENT+JWT'].map(
    (typ): Reason => ({
      name: `a JWT of the typ ${typ}`,
      need: identified,
      bad: () => post(holder(ofType(typ))),
      good: () => post(holder(world.agentToken())),
      expected: [401, 'unsupported_scheme'],
    }),
  ),
  {
    name: 'a token of no algorithm',
    need: identified,
    bad: () => post(holder(forgeToken(unmet, { typ: 'agent+jwt', alg: 'none' }, { iss: unmet.id, sub: 'phone' }))),
    good: () => post(holder(world.agentToken())),
    expected: [401, 'invalid_agent_token'],
  },
  {
    name: 'a token of another signer',
    need: identified,
    bad: () => post(holder(world.agentToken({}, { ...world.agent, key: world.otherAgent.key }))),
    good: () => post(holder(world.agentToken())),
    expected: [401, 'invalid_agent_token'],
  },
  {
    name: 'an agent that the resource does not admit',
    options: { agents: [world.agent.id] },
    need: identified,
    bad: () => post(asAgent(unmet)),
    good: () => post(agent),
    expected: [403, 'policy_denied'],
  },
  {
    name: 'an agent that is not on the list of the route',
    need: { agents: [world.agent.id] },
    bad: () => post(other),
    good: () => post(agent),
    expected: [403, 'policy_denied'],
  },
  {
    name: 'an agent that is denied',
    need: { ...identified, deny: { agents: [world.otherAgent.id] } },
    bad: () => post(other),
    good: () => post(agent),
    expected: [403, 'policy_denied'],
  },
  {
    name: 'an issuer that is not trusted',
    need: scoped,
    bad: () => post(holder(world.authToken({}, world.strangeServer))),
    good: () => post(holder(world.authToken())),
    expected: [401, 'untrusted_issuer'],
  },
  {
    name: 'an agent where a scope is asked for',
    need: scoped,
    bad: () => post(agent),
    good: () => post(holder(world.authToken())),
    expected: [401, 'insufficient_level'],
  },
  {
    name: 'a token that lacks the scope',
    need: { scope: 'events.write' },
    bad: () => post(holder(world.authToken())),
    good: () => post(holder(world.authToken({ scope: 'events.write' }))),
    expected: [403, 'insufficient_scope'],
  },
]

const stops: Array<() => void> = []
afterAll(() => {
  for (const stop of stops) stop()
})

async function open(name: string, o: Omit<Guarded, 'bodies'>) {
  const bodies: string[] = []
  const make = sites[name]
  if (make === undefined) throw new Error(name)
  const { port, stop } = await serve(await make({ ...o, bodies }))
  stops.push(stop)
  return { port, bodies }
}

/** What an agent goes by; a resource token is another each time. */
function decisive(status: number, error: unknown, challenge: string | null | undefined): readonly unknown[] {
  return [status, error, challenge?.replace(/resource_token="[^"]*"/, 'resource_token=""') ?? null]
}

async function afterItsBody({ options, need }: Reason, wire: Wire): Promise<readonly unknown[]> {
  const resource = world.calendar(options)
  const authorization = await resource.authorize({ ...wire, peer: '127.0.0.1' }, need)
  if (authorization.ok) return ['passed']
  const { status, headers } = authorization.response
  const { error } = (await authorization.response.json()) as { error: string }
  return decisive(status, error, headers.get('agent-auth'))
}

const ofAnswer = (answer: Answer | undefined): readonly unknown[] =>
  answer === undefined ? ['nothing'] : decisive(answer.status, answer.error, answer.headers.get('agent-auth'))

describe.concurrent.each(Object.keys(sites))('%s', name => {
  test.each(reasons)(
    verifies(
      'DIG-21',
      'sig.body.head-first',
      'JWT-24',
      `$name is refused before a byte of the body has come (${name})`,
    ),
    async reason => {
      const { options, need, bad, good, expected } = reason
      const { port, bodies } = await open(name, { resource: world.calendar(options), need })
      const wire = await bad()
      const slow = await sendHead(port, wire)
      const refused = ofAnswer(await slow.answer(10_000))
      slow.end()
      expect(
        world.fetched.filter(url => /unmet|strange/.test(url)),
        'nothing is fetched for strangers',
      ).toEqual([])
      expect(refused.slice(0, 2)).toEqual(expected)
      expect(refused, 'as after its body').toEqual(await afterItsBody(reason, wire))
      const twin = await sendHead(port, await good())
      expect(await twin.answer(100), 'a good head waits for its body').toBe(undefined)
      expect((await twin.finish())?.status).toBe(200)
      expect(bodies).toEqual(['"the body"'])
    },
  )

  test(
    verifies('rate.failures', 'DIG-21', `a network over its failureLimit is refused by the head (${name})`),
    async () => {
      const options = { failureLimit: '2/min', trustedProxies: ['10.0.0.1'] }
      const need = { level: 'pseudonymous' } as const
      const { port, bodies } = await open(name, { resource: world.calendar(options), need })
      const slowly = async (wire: Wire): Promise<unknown> => {
        const slow = await sendHead(port, wire)
        const answer = await slow.answer(10_000)
        slow.end()
        return answer?.status
      }
      // Heads that verify count for nothing, however many wait for their bodies.
      const waiting = await Promise.all(Array.from({ length: 4 }, async () => sendHead(port, await post(stranger))))
      expect(await Promise.all(waiting.map(one => one.answer(100)))).toEqual(Array(4).fill(undefined))
      // Each failure counts once, refused by its head or with its body.
      expect(await slowly(await flipped(stranger))).toBe(401)
      expect(parseAnswer(await sendBytes(port, bytesOf(await flipped(stranger)))).status).toBe(401)
      expect(bodies).toEqual([])
      const finished = await sendHead(port, await post(stranger))
      expect((await finished.answer(10_000))?.status).toBe(429)
      expect(bodies).toEqual([])
      const late = await Promise.all(waiting.map(one => one.finish()))
      // They were verified before their network was over its limit.
      expect(late.map(answer => answer?.status)).toEqual(Array(4).fill(200))
    },
  )
})
