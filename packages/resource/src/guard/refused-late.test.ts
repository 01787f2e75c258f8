import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { checkedBody } from '../adapter/message-node.js'
import { hasJudgedBody } from '../answer/answer-rule.js'
import { unshownOf } from '../approval/unshown.js'
import { interactionRoutes } from '../downstream/interaction.js'
import { interactionPage } from '../downstream/interaction-page.js'
import { type InteractionLimits, memoryInteractions } from '../downstream/interaction-sessions.js'
import { oauthDownstream } from '../downstream/oauth-downstream.js'
import { refuseRevoked } from '../revocation/revoked.js'
import { answerRuleOf } from './answer.js'
import { approval } from './approval.js'
import { refuseOverCalls } from './call-checks.js'
import { operands } from './content-checks.js'
import { askAfter } from './decision.js'
import { deny } from './fact-checks.js'
import { replay } from './limit-checks.js'
import { answerRefusal } from './refusal.js'
import { streamedBody } from './streamed-body.js'

// Checks that others nearly always make before: each is asked here alone.

const id = 'https://calendar.example'
const now = (): number => 1_750_000_000
const fields = ['/items/*/title']

/** A caller with an auth token of these conditions. */
const holder = (...constraints: readonly object[]) => ({
  level: 'authorized',
  agent: 'https://agent.example',
  issuer: 'https://auth.example',
  constraints,
  token: { jti: 'j1', iat: 1, grant: 'g1' },
})

test.each([0, 100, 199, 600, 999])(verifies('policy.data', 'an answer with the status %i is none'), status => {
  const headers = new Headers({ 'content-type': 'application/json' })
  expect(() => hasJudgedBody({ status, headers }, true)).toThrow(expect.objectContaining({ reason: 'answer_withheld' }))
  expect(hasJudgedBody({ status: 200, headers }, true)).toBe(true)
  expect(hasJudgedBody({ status: 599, headers }, true)).toBe(false)
})

test(verifies('policy.data', 'what a handler throws while its answer is held says nothing of the answer'), async () => {
  const told: AAuthError[] = []
  const request = { guard: { id, now }, verified: { caller: holder({ type: 'data', resource: id, fields }) } } as never
  const answer = answerRuleOf(request, error => told.push(error))
  const response = answer?.withhold(new AAuthError('invalid_request', 'secret', { reason: 'form_malformed' }))
  expect([response?.status, await response?.text()]).toEqual([403, expect.not.stringContaining('secret')])
  expect(told).toMatchObject([{ code: 'policy_denied', reason: 'answer_withheld' }])
})

test.each([
  ['a body that streams', { body: 'stream' }, {}],
  ['a body that was not seen', { body: 'whole' }, { dangerouslyUnseenBody: true }],
])(verifies('approval.display', 'nobody is asked to approve %s'), async (_, route, message) => {
  const request = {
    route: { level: 'authorized', approve: true, operation: 'pay', scope: [], ...route },
    message: { method: 'POST', target: '/', headers: [], ...message },
    verified: { caller: holder(), opened: { base: '"@method": POST' } },
    guard: { id, replay: { takeToken: async () => 'fresh' } },
  } as never
  expect(await approval.refusal(request)).toMatchObject({ error: { reason: 'approval_impossible' }, ask: 'nothing' })
})

test(verifies('APR-35', 'approval.display', 'what a description throws is not quoted'), async () => {
  const request = (describe: () => readonly string[]) =>
    ({
      route: {
        level: 'authorized',
        approve: true,
        operation: 'pay',
        scope: [],
        describe,
        unshown: unshownOf([]),
        body: 'whole',
      },
      message: { method: 'POST', target: '/', headers: [], body: new Uint8Array() },
      verified: { caller: holder(), opened: { base: '"@method": POST' } },
      guard: { id, now, replay: { takeToken: async () => 'fresh' } },
    }) as never
  const fails = () => {
    throw new TypeError('no card 4111')
  }
  const why = { reason: 'approval_unshowable', description: expect.stringMatching(/a member may be missing/) }
  await expect(approval.refusal(request(fails))).rejects.toMatchObject(why)
  await expect(approval.refusal(request(fails))).rejects.not.toMatchObject({ cause: expect.anything() })
  expect(await approval.refusal(request(() => ['Pay ', '5']))).toMatchObject({ error: { reason: 'approval_needed' } })
})

test(verifies('challenge.failed-auth-token', 'a token of another issuer leads to an identity, on each route'), () => {
  for (const level of ['pseudonymous', 'identified', 'authorized'] as const)
    for (const code of ['untrusted_issuer', 'invalid_auth_token'] as const) {
      const error = new AAuthError(code, 'no', { reason: 'issuer_not_trusted' as never, status: 401 })
      expect(askAfter(error, { level } as never), `${level} ${code}`).toBe('identity')
    }
})

test.each([
  ['that counts calls', holder({ type: 'calls', max: 3 }), {}],
  ['to approve', holder(), { approve: true }],
])(verifies('DEL-36', 'a copy of a GET under a token %s is refused'), async (_, caller, more) => {
  const asked: unknown[] = []
  const set = {
    async check(entry: unknown) {
      asked.push(entry)
      return 'replayed'
    },
  }
  const failures = { note: () => undefined }
  const request = (who: object, route: object) =>
    ({
      message: { method: 'GET', target: '/', headers: [] },
      route: { replay: 'unsafe', operation: 'pay', ...route },
      verified: { caller: who, opened: { base: 'x', created: now(), authority: 'calendar.example' }, key: {} },
      ledger: { charges: new Map() },
      guard: { id, replay: set, failures, development: true },
    }) as never
  await expect(async () =>
    replay.refusal(request({ ...caller, key: { thumbprint: 't' } }, more)),
  ).rejects.toMatchObject({ code: 'replay_detected' })
  expect(asked).toHaveLength(1)
  expect(await replay.refusal(request({ ...holder(), key: { thumbprint: 't' } }, {}))).toBe(undefined)
})

test.each([undefined, { level: 'anonymous' }, { level: 'pseudonymous' }])(
  verifies('RST-22', 'no resource token is made for a caller that is not identified: %j'),
  async caller => {
    const error = new AAuthError('insufficient_level', 'no', { reason: 'level_insufficient' })
    const context = { tokens: {}, authServers: ['https://auth.example'], id, now } as never
    const { response } = await answerRefusal({ error, ask: 'authorization', scope: ['a'] }, caller as never, context)
    expect([response.status, response.headers.get('agent-auth')]).toEqual([401, 'httpsig; identity=?1'])
  },
)

test(verifies('sig.covered.always', 'a body that streams without a digest is refused at its first byte'), () => {
  const told: AAuthError[] = []
  const check = streamedBody(
    {
      message: { method: 'POST', target: '/', headers: [] },
      route: { body: 'stream' },
      verified: { opened: {} },
    } as never,
    { tell: error => told.push(error), refusal: async () => new Response() },
  )
  check?.update(new Uint8Array(0))
  expect(told).toEqual([])
  expect(() => check?.update(new Uint8Array(1))).toThrow(expect.objectContaining({ reason: 'component_not_covered' }))
  expect(told).toHaveLength(1)
})

test(verifies('exchange.upstream', 'a grant that another process says has ended is refused'), async () => {
  const judged = (has: boolean) =>
    refuseRevoked(holder() as never, { set: { has: async () => has } as never, now, development: true })
  await expect(judged(true)).rejects.toMatchObject({ reason: 'grant_ended' })
  expect(await judged(false)).toBe(undefined)
})

test(
  verifies('discovery.deadline', 'a user reads nothing of what is wrong with the documents of an agent'),
  async () => {
    const shown = async (code: 'discovery_failed' | 'invalid_request') => {
      const error = new AAuthError(code, 'the JWKS at 10.0.0.1', { reason: 'jwks_malformed' })
      return interactionPage(error).text()
    }
    expect(await shown('discovery_failed')).toContain('data-reason="participant_unreachable"')
    expect(await shown('discovery_failed')).not.toContain('10.0.0.1')
    expect(await shown('invalid_request')).toContain('10.0.0.1')
  },
)

test(verifies('sig.body.bytes', 'a body whose connection was cut off does not end as whole'), async () => {
  const read = (readableAborted: boolean): Promise<string> => {
    const incoming = Object.assign(new IncomingMessage(new Socket()), {})
    Object.defineProperty(incoming, 'readableAborted', { value: readableAborted })
    const request = new Request('https://calendar.example/', { method: 'POST', body: 'abc' })
    return checkedBody(request, { incoming }, { update: () => undefined, end: () => undefined }).text()
  }
  expect(await read(false)).toBe('abc')
  await expect(read(true)).rejects.toMatchObject({ reason: 'request_cut_off' })
})

/** What a browser is shown at a target, where the store of sessions answers so. */
async function pageAt(target: string, sessions: object, cookie = ''): Promise<readonly [number, string | undefined]> {
  const context = {
    sessions,
    now,
    deadline: 1,
    tell: () => undefined,
    clientOf: () => undefined,
    cookies: { read: () => cookie, write: () => 'x=y' },
    counter: { take: async () => ({ within: true, remaining: 1, seconds: 1 }) },
    discovery: { agent: async () => ({ redirect_uris: ['https://app.example/callback'] }) },
  } as never
  const path = target.split('?')[0] ?? ''
  const route = interactionRoutes(context).get(path)
  const response = await route?.answer({ method: 'GET', target, headers: [] })
  return [response?.status ?? 0, /data-reason="([a-z_]+)"/.exec((await response?.text()) ?? '')?.[1]]
}

test(verifies('consent.request-token', 'a session that ends while a browser claims it leads nowhere'), async () => {
  const query = new URLSearchParams({ session: 's', return_url: 'https://app.example/callback', state: 'x' })
  const session = { id: 's', agent: 'https://agent.example', pending: { kind: 'page', url: 'https://x.example' } }
  const sessions = (claimed: unknown) => ({ find: async () => session, claim: async () => claimed })
  for (const claimed of [undefined, session])
    expect(await pageAt(`/aauth/interact?${query}`, sessions(claimed))).toEqual([400, 'link_invalid'])
})

test(verifies('consent.request-token', 'an answer of a provider leads nowhere once none is configured'), async () => {
  const session = { pending: { kind: 'sign-in', api: 'drive' }, claim: { returnUrl: 'https://app.example/callback' } }
  const sessions = { take: async () => session }
  expect(await pageAt(`/aauth/callback?state=x&code=y`, sessions, 'A'.repeat(43))).toEqual([400, 'link_invalid'])
})

test(verifies('error.unavailable', 'a user learns that a provider does not answer, and nothing else'), async () => {
  const away = new AAuthError('temporarily_unavailable', '10.0.0.1', { reason: 'internal_error', retryAfter: 7 })
  const api = { id: 'files', issuer: 'https://accounts.example', origins: [], finish: () => Promise.reject(away) }
  const context = { id, key: { kid: 'k' }, discovery: {}, now, development: true }
  const { answer } = oauthDownstream({ apis: [api], tokens: {} } as never, context as never)
  const pending = { kind: 'oauth', api: 'files', owner: {}, state: 's', saved: '{}' }
  await expect(answer(pending as never, new Map(), '/aauth/callback/files')).rejects.toMatchObject({
    code: 'temporarily_unavailable',
    reason: 'dependency_unavailable',
    retryAfter: 7,
    message: 'A service that the participant needs is not available: the sign-in of the user',
  })
})

test(verifies('policy.data', 'a stream of events is refused before its first event'), () => {
  const head = (type: string) => ({ status: 200, headers: new Headers({ 'content-type': type }) })
  for (const type of ['text/event-stream', 'Text/Event-Stream; charset=utf-8'])
    expect(() => hasJudgedBody(head(type), false)).toThrow(expect.objectContaining({ reason: 'answer_withheld' }))
  expect(hasJudgedBody(head('text/plain'), false)).toBe(true)
})

test.each<readonly [string, InteractionLimits, string, string | undefined]>([
  ['of one agent', { perAgent: 2 }, 'https://agent.example', 'https://other.example'],
  ['of the agents of one site', { perSite: 2 }, 'https://b.agent.example', 'https://other.example'],
  ['of all agents', { capacity: 2 }, 'https://other.example', undefined],
  ['of so many bytes', { maxBytes: 3000 }, 'https://other.example', undefined],
])(verifies('error.unavailable', 'questions to users are bounded: %s'), async (_, limits, refused, accepted) => {
  const sessions = memoryInteractions(now, limits)
  let count = 0
  const add = (agent: string) => {
    count++
    const pending = { kind: 'page', url: 'x'.repeat(1000), state: `s${count}` }
    const session = { id: `i${count}`, agent, principal: `p${count}`, asking: {}, pending, expires: now() + 60 }
    return sessions.add(session as never)
  }
  await add('https://agent.example')
  await add(limits.perSite === undefined ? 'https://agent.example' : 'https://a.agent.example')
  await expect(add(refused)).rejects.toMatchObject({ reason: 'capacity_exceeded' })
  if (accepted !== undefined) await add(accepted)
})

test.each([
  [true, undefined],
  [false, true],
])(
  verifies('error.unavailable', 'calls that cannot be counted, with the approval taken: %s, not processed: %s'),
  async (isTaken, notProcessed) => {
    const message = { method: 'POST', target: '/', headers: [] }
    const counter = { takeCall: () => Promise.reject(new Error('away')) }
    const request = {
      message,
      verified: { caller: holder({ type: 'calls', max: 3, per: 'day' }) },
      ledger: { hasTakenApproval: isTaken, isCounted: false },
      guard: { id, now, counter, development: true },
    } as never
    const error = await refuseOverCalls(request).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'temporarily_unavailable', reason: 'store_unavailable' })
    expect(Object(error).notProcessed).toBe(notProcessed)
  },
)

test(verifies('policy.supported', 'a body that is not seen is approved by nobody'), async () => {
  const refusal = (route: object) =>
    operands.refusal({
      message: { method: 'POST', target: '/', headers: [] },
      guard: { id },
      verified: { caller: holder() },
      route: { operation: 'pay', handling: { bodies: 'unseen' }, ...route },
    } as never)
  expect(await refusal({ approve: true })).toMatchObject({
    error: { reason: 'conditions_unsupported' },
    ask: 'nothing',
  })
  expect(await refusal({})).toBe(undefined)
})

test(verifies('error.policy-denied', 'a route with a deny list lets in none but its users, too'), async () => {
  const route = { deny: [{ agents: ['https://bad.example'] }], users: [{ iss: 'https://auth.example', sub: 'ada' }] }
  const asked = (sub: string) => {
    const aauth = {
      level: 'authorized',
      agent: 'https://agent.example',
      chain: [],
      user: { iss: 'https://auth.example', sub },
    }
    return deny.refusal({ route, aauth } as never)
  }
  expect(await asked('ada')).toBe(undefined)
  expect(await asked('eve')).toMatchObject({ error: { code: 'policy_denied' } })
})
