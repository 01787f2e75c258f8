import { thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { Agent } from '../agent.js'
import { agentIn, calls } from '../agents.test.fixture.js'
import { explain } from '../explanation.js'
import { calendar, home, type World, world } from '../participants.test.fixture.js'
import { type AgentState, memoryState } from '../state/state.js'
import type { Enrollment, EnrollmentRequest } from './enrollment.js'
import { delegate } from './identity.js'

const endpoint = `${home}/delegates`

function enrolling(own: World, enroll: Enrollment, state: AgentState = memoryState()): Agent {
  return agentIn(own, { state, identity: delegate({ agentServer: home, enroll }) })
}

/** The agent server enrols, and what it answers is lost. */
function losesAnswers(own: World): { lost: boolean } {
  const answers: { lost: boolean } = { lost: true }
  own.network.intercept(home, async (exchange, next) => {
    const response = await next(exchange)
    if (answers.lost && exchange.target === '/delegates') throw new TypeError('fetch failed')
    return response
  })
  return answers
}

/** Bodies that reached the delegate token endpoint. */
const bodies = (own: World): string[] => own.network.sent.filter(e => e.target === '/delegates').map(e => e.text)
const keys = (own: World): Array<string | undefined> =>
  own.network.sent.filter(e => e.target === '/delegates').map(e => e.header('signature-key'))

describe('by OIDC token', () => {
  test(
    verifies('delegate.enrol.oidc', 'a function is told the audience that names the endpoint and the new key'),
    async () => {
      const own = await world()
      const asked: EnrollmentRequest[] = []
      const agent = enrolling(own, {
        type: 'oidc',
        token: async request => {
          asked.push(request)
          return `oidc|build-7|${request.audience}`
        },
      })
      expect(await agent.identify()).toEqual({ agent: home, delegate: 'build-7' })
      const jwk = /x="([\w-]+)"/.exec(keys(own)[0] ?? '')?.[1]
      const jkt = await thumbprint({ alg: 'Ed25519', kty: 'OKP', crv: 'Ed25519', x: jwk ?? '' })
      expect(asked).toEqual([{ endpoint, thumbprint: jkt, audience: `${endpoint}#${jkt}` }])
      expect(bodies(own)).toEqual([
        JSON.stringify({ enrollment: { type: 'oidc', token: `oidc|build-7|${endpoint}#${jkt}` } }),
      ])
    },
  )

  test(verifies('delegate.enrol.oidc', 'a token given as text is sent unchanged, and enrols once'), async () => {
    const own = await world()
    const enroll = { type: 'oidc', token: `oidc|build-7|${endpoint}` } as const
    expect(await enrolling(own, enroll).identify()).toEqual({ agent: home, delegate: 'build-7' })
    await expect(enrolling(own, enroll).identify()).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('it must be fresh, unused, and what its rules name'),
      cause: { status: 400, error: 'invalid_grant' },
    })
  })

  test('a function that fails or returns no token sends nothing; the next call calls it again', async () => {
    const own = await world()
    const answers: Array<() => Promise<string>> = [
      () => Promise.reject(new Error('the metadata service is away')),
      async () => 'two words',
      async () => `oidc|build-7|${endpoint}`,
    ]
    const agent = enrolling(own, { type: 'oidc', token: () => (answers.shift() as () => Promise<string>)() })
    await expect(agent.identify()).rejects.toMatchObject({ code: 'unreachable' })
    own.clock.time += 1
    await expect(agent.identify()).rejects.toBeInstanceOf(TypeError)
    expect(bodies(own)).toEqual([])
    own.clock.time += 2
    expect(await agent.identify()).toEqual({ agent: home, delegate: 'build-7' })
  })

  test('an enrolment that ended is replaced where a function can get another token', async () => {
    const own = await world()
    const state = memoryState()
    let taken = 0
    const agent = enrolling(
      own,
      { type: 'oidc', token: async () => `oidc|build-7|${endpoint}`.padEnd(60 + taken++, ' ').trim() },
      state,
    )
    await agent.identify()
    own.delegates.taken.clear()
    own.clock.time += 32 * 86_400
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(taken).toBe(2)
  })
})

describe('by session', () => {
  test(
    verifies('delegate.enrol.session', 'the cookies of the page go along, to its own origin only, and nowhere else'),
    async () => {
      const own = await world()
      const credentials: Array<[string, RequestCredentials | undefined]> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        credentials.push([String(input), init?.credentials])
        const headers = new Headers(init?.headers)
        if (init?.credentials === 'same-origin') headers.set('cookie', 'session=ada')
        return own.network.fetch(input, { ...init, headers })
      }
      const identity = delegate({ agentServer: home, enroll: { type: 'session', members: { csrf: 'c' } } })
      const agent = agentIn(own, { identity, fetch })
      expect(await agent.identify()).toEqual({ agent: home, delegate: 'ada' })
      expect(bodies(own)).toEqual(['{"enrollment":{"csrf":"c","type":"session"}}'])
      await agent.fetch(`${calendar}/events`)
      expect(credentials.filter(([url]) => !url.startsWith(calendar))).toEqual([
        [endpoint, 'same-origin'],
        ['https://auth.example/token', 'omit'],
      ])
    },
  )

  test('without a session the error says to sign in', async () => {
    const own = await world()
    await expect(enrolling(own, { type: 'session' }).identify()).rejects.toMatchObject({
      code: 'denied',
      message: 'the agent server does not take this session: sign in at its site, then try again',
    })
  })
})

describe('by a custom type of the agent server', () => {
  test.each<readonly [string, Enrollment]>([
    ['an object', { type: 'custom', enrollment: { type: 'badge', badge: 'b7' } }],
    ['a function', { type: 'custom', enrollment: async () => ({ type: 'badge', badge: 'b7' }) }],
  ])('%s is sent as it is', async (_, enroll) => {
    const own = await world()
    expect(await enrolling(own, enroll).identify()).toEqual({ agent: home, delegate: 'b7' })
    expect(bodies(own)).toEqual(['{"enrollment":{"type":"badge","badge":"b7"}}'])
  })

  test(verifies('delegate.enrol.unknown', 'a type that the agent server does not know is reported'), async () => {
    const own = await world()
    const agent = enrolling(own, { type: 'custom', enrollment: { type: 'handshake' } })
    await expect(agent.identify()).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('takes no such enrolment'),
      cause: { status: 400, error: 'invalid_request' },
    })
  })
})

describe('a lost answer', () => {
  test(
    verifies(
      'delegate.enrol.refused',
      'leaves the key in state; the same code again says what happened, another one gets a fresh key',
    ),
    async () => {
      const own = await world()
      const state = memoryState()
      const enroll = { type: 'code', code: 'first' } as const
      const answers = losesAnswers(own)
      await expect(enrolling(own, enroll, state).identify()).rejects.toMatchObject({ code: 'unreachable' })
      answers.lost = false
      await expect(enrolling(own, enroll, state).identify()).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringContaining('the answer to an earlier enrolment was lost'),
      })
      const second = enrolling(own, { type: 'code', code: 'second' }, state)
      expect(await second.identify()).toEqual({ agent: home, delegate: 'd1' })
      const [lost, again, fresh] = keys(own)
      expect(again).toBe(lost)
      expect(fresh).not.toBe(lost)
    },
  )

  test('a code that was never taken is not said to be lost', async () => {
    const own = await world()
    const state = memoryState()
    const wrong = { type: 'code', code: 'guess' } as const
    for (let n = 0; n < 2; n++)
      await expect(enrolling(own, wrong, state).identify()).rejects.toMatchObject({
        message: expect.stringContaining('unknown, used or expired'),
      })
  })

  test('a key that the agent server does not take is not shown again', async () => {
    const own = await world()
    const state = memoryState()
    const taken = new Set<string | undefined>()
    own.network.intercept(home, async (exchange, next) => {
      const key = exchange.header('signature-key')
      if (exchange.target !== '/delegates' || (taken.size > 0 && !taken.has(key))) return next(exchange)
      taken.add(key)
      return Response.json({ error: 'invalid_request' }, { status: 400 })
    })
    const enroll = { type: 'code', code: 'first' } as const
    await expect(enrolling(own, enroll, state).identify()).rejects.toMatchObject({ code: 'denied' })
    expect(await enrolling(own, enroll, state).identify()).toEqual({ agent: home, delegate: 'd1' })
  })

  test('a function gets another token for the same key', async () => {
    const own = await world()
    const state = memoryState()
    let asked = 0
    const enroll: Enrollment = { type: 'oidc', token: async ({ audience }) => `oidc|build-7|${audience}|${asked++}` }
    const answers = losesAnswers(own)
    await expect(enrolling(own, enroll, state).identify()).rejects.toMatchObject({ code: 'unreachable' })
    answers.lost = false
    expect(await enrolling(own, enroll, state).identify()).toEqual({ agent: home, delegate: 'build-7' })
    expect(new Set(keys(own)).size).toBe(1)
    expect(asked).toBe(2)
  })
})

test('an enrolment that keeps failing does not hammer the agent server', async () => {
  const own = await world()
  const agent = enrolling(own, { type: 'code', code: 'guess' })
  for (let n = 0; n < 20; n++) expect(explain(await agent.fetch(`${calendar}/agenda`)).outcome).toBe('gave_up')
  expect(calls(own, home)).toHaveLength(1)
  own.clock.time += 1
  await agent.fetch(`${calendar}/agenda`)
  expect(calls(own, home)).toHaveLength(2)
})

test.each<readonly [string, unknown]>([
  ['no type', {}],
  ['an unknown type', { type: 'magic' }],
  ['a code with a line end', { type: 'code', code: 'abc\n' }],
  ['a file taken for a token', { type: 'oidc', token: 'x'.repeat(16_385) }],
  ['a token that is no text', { type: 'oidc', token: 7 }],
  ['members that are a list', { type: 'session', members: [] }],
  ['a custom enrolment without a type', { type: 'custom', enrollment: { badge: 'b7' } }],
])('%s is a TypeError at construction', (_, enroll) => {
  expect(() => delegate({ agentServer: home, enroll: enroll as Enrollment })).toThrow(TypeError)
  expect(delegate({ agentServer: home, enroll: { type: 'code', code: 'abc' } }).kind).toBe('delegate')
})

describe('a second start', () => {
  test.each([
    ['no code', { type: 'code', code: undefined }],
    ['an empty code', { type: 'code', code: '' }],
    ['an empty token', { type: 'oidc', token: '' }],
    ['the code that was used', { type: 'code', code: 'first' }],
    ['nothing', undefined],
  ] as const)(verifies('delegate.enrol.code', 'goes on from its state with %s'), async (_, enroll) => {
    const own = await world()
    const state = memoryState()
    expect(await enrolling(own, { type: 'code', code: 'first' }, state).identify()).toMatchObject({ agent: home })
    const sent = bodies(own).length
    const again = agentIn(own, { state, identity: delegate({ agentServer: home, enroll }) })
    expect((await again.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(bodies(own)).toHaveLength(sent)
  })

  test('without its state it fails when it must identify itself, for want of something to enrol with', async () => {
    const own = await world()
    for (const enroll of [
      { type: 'code', code: '' },
      { type: 'oidc', token: undefined },
    ] as const) {
      const agent = enrolling(own, enroll)
      await expect(agent.identify()).rejects.toMatchObject({
        code: 'not_allowed',
        message: expect.stringContaining('nothing to enrol with'),
      })
    }
    expect(bodies(own)).toEqual([])
    expect(() => delegate({ agentServer: home, enroll: { type: 'code', code: 'two words' } })).toThrow(TypeError)
  })
})
