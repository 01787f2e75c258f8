import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { firstOf } from '../policy/policies.js'
import type { PolicyRequest } from '../policy/policy.js'
import { authzen } from './authzen.js'

const request: PolicyRequest = {
  agent: 'https://agent.example',
  delegate: 'phone',
  resource: 'https://calendar.example',
  scope: ['events.read'],
  purposes: ['support'],
  purpose: 'Plan a lunch',
}

const office = { type: 'hours', zone: 'Europe/Paris', days: [1], from: '09:00', to: '18:00' } as const

interface Asked {
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly question: { readonly action: { readonly name: string } }
}

/** A decision point on this machine. `answer` is called for each question. */
async function decisionPoint(answer: (response: ServerResponse, asked: Asked) => void) {
  const questions: Asked[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', chunk => chunks.push(chunk))
    incoming.on('end', () => {
      const { url, headers } = incoming
      const asked = { url, headers, question: JSON.parse(Buffer.concat(chunks).toString()) }
      questions.push(asked)
      answer(response, asked)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, questions }
}

function json(response: ServerResponse, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Allows one action. */
const allowing =
  (name: string, context?: object) =>
  (response: ServerResponse, { question }: Asked) =>
    json(
      response,
      question.action.name === name ? { decision: true, ...(context && { context }) } : { decision: false },
    )

const local = { dangerouslyAllowLoopbackHttp: true }

test('the decision point is asked by the API, first for a grant at once', async () => {
  const point = await decisionPoint(allowing('consent'))
  const policy = authzen({ ...local, url: point.url, headers: { authorization: 'Bearer pdp' } })
  expect(await policy(request)).toEqual({ decision: 'consent', conditions: [] })
  expect(point.questions.map(({ url, headers }) => [url, headers.authorization, headers['content-type']])).toEqual([
    ['/access/v1/evaluation', 'Bearer pdp', 'application/json'],
    ['/access/v1/evaluation', 'Bearer pdp', 'application/json'],
  ])
  expect(point.questions.map(({ question }) => question)).toEqual(
    ['direct', 'consent'].map(name => ({
      subject: {
        type: 'delegate',
        id: 'https://agent.example phone',
        properties: { agent: 'https://agent.example', delegate: 'phone' },
      },
      action: { name },
      resource: { type: 'resource', id: 'https://calendar.example' },
      context: { scope: ['events.read'], purposes: ['support'], purpose: 'Plan a lunch' },
    })),
  )
})

test.each([
  ['direct', { decision: 'direct', conditions: [] }],
  ['consent', { decision: 'consent', conditions: [] }],
  ['nothing', 'deny'],
])('where it allows %s, that is the decision', async (name, decision) => {
  const { url } = await decisionPoint(allowing(name))
  expect(await authzen({ ...local, url })(request)).toEqual(decision)
})

test('an agent without a delegate is a subject of its own, and a path before the API is kept', async () => {
  const point = await decisionPoint(allowing('direct'))
  const { delegate: _, ...alone } = request
  await authzen({ ...local, url: `${point.url}/tenant/` })(alone)
  expect(point.questions).toMatchObject([
    {
      url: '/tenant/access/v1/evaluation',
      question: {
        subject: { type: 'agent', id: 'https://agent.example', properties: { agent: 'https://agent.example' } },
      },
    },
  ])
})

test.each([
  ['one text', 'rule 7', ['rule 7']],
  ['texts by language', { en: 'rule 7', de: 'Regel 7' }, ['rule 7', 'Regel 7']],
  ['a long text', 'x'.repeat(1000), ['x'.repeat(256)]],
])('what a decision point tells its administrators is named: %s', async (_, reason_admin, by) => {
  const yes = await decisionPoint(allowing('direct', { reason_admin }))
  expect(await authzen({ ...local, url: yes.url })(request)).toEqual({ decision: 'direct', conditions: [], by })
  const no = await decisionPoint(response => json(response, { decision: false, context: { reason_admin } }))
  expect(await authzen({ ...local, url: no.url })(request)).toEqual({ decision: 'deny', by })
})

test('a denial stands whatever else the decision point says', async () => {
  for (const context of [7, { reason_admin: 7 }, { reason_admin: { en: 7 } }]) {
    const { url } = await decisionPoint(response => json(response, { decision: false, context }))
    expect(await authzen({ ...local, url })(request)).toBe('deny')
  }
})

test('an answer may hold conditions and an approver, and whatever else a decision point tells', async () => {
  const { url } = await decisionPoint(
    allowing('direct', { conditions: [office], approver: 'ada', reason_user: { en: 'x' } }),
  )
  expect(await authzen({ ...local, url })(request)).toEqual({
    decision: 'direct',
    conditions: [office],
    approver: 'ada',
  })
})

describe('nothing is decided, and no other policy decides in its place, where the decision point', () => {
  const answers: ReadonlyArray<[string, (response: ServerResponse) => void]> = [
    ['answers 500', response => response.writeHead(500).end()],
    ['answers 401', response => response.writeHead(401).end()],
    ['answers 204', response => response.writeHead(204).end()],
    ['redirects', response => response.writeHead(307, { location: '/access/v1/evaluation' }).end()],
    ['answers with HTML', response => json(response, { decision: true }, { 'content-type': 'text/html' })],
    [
      'answers with no JSON',
      response => response.writeHead(200, { 'content-type': 'application/json' }).end('{"decision":tr'),
    ],
    [
      'answers twice',
      response =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"decision":false,"decision":true}'),
    ],
    ['decides by a string', response => json(response, { decision: 'true' })],
    ['decides nothing', response => json(response, {})],
    ['answers with an array', response => json(response, [{ decision: true }])],
    ['answers with null', response => json(response, null)],
    ['has conditions that are no list', response => json(response, { decision: true, context: { conditions: {} } })],
    ['has null for conditions', response => json(response, { decision: true, context: { conditions: null } })],
    [
      'has an unknown condition',
      response => json(response, { decision: true, context: { conditions: [{ type: 'moon' }] } }),
    ],
    ['has an approver that is no name', response => json(response, { decision: true, context: { approver: 7 } })],
    ['has a context that is no object', response => json(response, { decision: true, context: 'x' })],
    ['answers with too much', response => json(response, { decision: true, context: { x: 'x'.repeat(70_000) } })],
    ['hangs up', response => response.destroy()],
    ['says nothing', () => undefined],
    [
      'stops in the middle',
      response => response.writeHead(200, { 'content-type': 'application/json' }).write('{"decision":true'),
    ],
  ]
  test.each(answers)('%s', async (_, answer) => {
    const { url } = await decisionPoint(answer)
    const policy = authzen({ ...local, url, deadline: 0.3 })
    const refusal = { code: 'temporarily_unavailable', status: 503 }
    await expect(policy(request)).rejects.toMatchObject(refusal)
    await expect(firstOf(policy, () => 'direct')(request)).rejects.toMatchObject(refusal)
  })

  test('cannot be reached', async () => {
    await expect(authzen({ ...local, url: 'http://127.0.0.1:1' })(request)).rejects.toMatchObject({ status: 503 })
  })
})

test('at most 64 questions are under way at once, and more decide nothing', async () => {
  const waiting: ServerResponse[] = []
  const { url } = await decisionPoint(response => waiting.push(response))
  const policy = authzen({ ...local, url, deadline: 10 })
  const asked = Array.from({ length: 64 }, () => policy(request))
  await expect(policy(request)).rejects.toMatchObject({ status: 503, reason: 'dependency_unavailable' })
  await expect.poll(() => waiting.length).toBe(64)
  for (const response of waiting) json(response, { decision: true })
  expect(await Promise.all(asked)).toHaveLength(64)
  const last = policy(request)
  await expect.poll(() => waiting.length).toBe(65)
  json(waiting[64] as ServerResponse, { decision: true })
  expect(await last).toEqual({ decision: 'direct', conditions: [] })
})

test.each([
  'http://pdp.example',
  'http://127.0.0.1:1',
  'ftp://pdp.example',
  'pdp.example',
  'https://pdp.example/?x',
  'https://pdp.example/#x',
  'https://user@pdp.example',
])('%s is no URL of a decision point', url => {
  expect(() => authzen({ url })).toThrow(TypeError)
  expect(() => authzen({ url: 'https://pdp.example' })).not.toThrow()
})

test.each([0, 11, -1, Number.NaN])('a deadline of %s seconds is refused', deadline => {
  expect(() => authzen({ url: 'https://pdp.example', deadline })).toThrow(RangeError)
})
