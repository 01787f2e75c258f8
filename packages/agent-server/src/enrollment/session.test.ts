import { generateSigningKey, headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { post, scene } from '../delegate.test.fixture.js'
import { codes, type SignedInSession, session } from '../index.js'

const users: Readonly<Record<string, SignedInSession>> = {
  'sid=alice-laptop': { user: 'alice', device: 'laptop' },
  'sid=alice-phone': { user: 'alice', device: 'phone' },
  'sid=slash': { user: 'alice/laptop', device: 'x' },
  'sid=other': { user: 'alice', device: 'laptop/x' },
  'sid=long': { user: 'u'.repeat(600), device: 'x' },
  'sid=bad': { user: 'a\nb', device: 'x' },
}

const stageOf = () => {
  let asked = 0
  const authenticate = async (message: ReceivedMessage) => {
    asked += 1
    return users[headerValues(message, 'cookie').join()]
  }
  return { made: scene({ enrollment: [codes(), session({ authenticate })] }), asked: () => asked }
}

const origin = 'https://agent.example'
type Lines = ReadonlyArray<readonly [string, string]>

async function ask(stage: Awaited<ReturnType<typeof scene>>, lines: Lines, contentType = 'application/json') {
  const message = await post(stage, {
    key: await generateSigningKey(),
    body: '{"enrollment":{"type":"session"}}',
    contentType,
  })
  return refusalOf(await stage.server.handle({ ...message, headers: [...message.headers, ...lines] }))
}

const cookie = (sid: string): readonly [string, string] => ['cookie', `sid=${sid}`]
const enrolled = { status: 200, error: undefined, agentAuth: null }

test(
  verifies('delegate.enrol.session', 'a browser that is signed in enrols, one delegate per user and device'),
  async () => {
    const { made } = stageOf()
    const stage = await made
    expect(await ask(stage, [['origin', origin], cookie('alice-laptop')])).toEqual(enrolled)
    expect(await ask(stage, [['origin', origin], cookie('alice-laptop'), ['sec-fetch-site', 'same-origin']])).toEqual(
      enrolled,
    )
    expect(await ask(stage, [['origin', origin], cookie('alice-phone')])).toEqual(enrolled)
    expect(await ask(stage, [['origin', origin], cookie('slash')])).toEqual(enrolled)
    expect(await ask(stage, [['origin', origin], cookie('other')])).toEqual(enrolled)
    expect((await stage.server.list()).map(({ sub, enrollment }) => [sub, enrollment])).toEqual([
      ['session:alice%2Flaptop/x', 'session:alice/laptop'],
      ['session:alice/laptop', 'session:alice'],
      ['session:alice/laptop%2Fx', 'session:alice'],
      ['session:alice/phone', 'session:alice'],
    ])
    expect(await stage.server.revokeEnrollment('session:alice')).toBe(3)
    expect(await ask(stage, [['origin', origin], cookie('alice-laptop')])).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      reason: 'delegate_revoked',
    })
  },
)

test.each<[string, Lines]>([
  ['no Origin', []],
  ['another origin', [['origin', 'https://evil.example']]],
  ['a sibling', [['origin', 'https://www.agent.example']]],
  ['http', [['origin', 'http://agent.example']]],
  ['the null origin', [['origin', 'null']]],
  [
    'two origins',
    [
      ['origin', origin],
      ['origin', 'https://evil.example'],
    ],
  ],
  [
    'a browser that says cross-site',
    [
      ['origin', origin],
      ['sec-fetch-site', 'cross-site'],
    ],
  ],
  [
    'a browser that says same-site',
    [
      ['origin', origin],
      ['sec-fetch-site', 'same-site'],
    ],
  ],
])(
  verifies('delegate.enrol.session', 'CSRF: a page with %s cannot enrol by the cookies of its user'),
  async (_, lines) => {
    const { made, asked } = stageOf()
    const stage = await made
    const refused = { status: 403, error: 'unauthorized_client', reason: 'origin_not_allowed', agentAuth: null }
    expect(await ask(stage, [...lines, cookie('alice-laptop')])).toEqual(refused)
    expect([await stage.server.list(), asked()]).toEqual([[], 0])
    expect(await ask(stage, [['origin', origin], cookie('alice-laptop')])).toEqual(enrolled)
  },
)

test(
  verifies('delegate.enrol.session', 'a form cannot enrol, and neither can a browser without a session'),
  async () => {
    const { made } = stageOf()
    const stage = await made
    const signedIn: Lines = [['origin', origin], cookie('alice-laptop')]
    expect(await ask(stage, signedIn, 'text/plain')).toMatchObject({ status: 415 })
    expect(await ask(stage, [['origin', origin], cookie('mallory')])).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      reason: 'session_missing',
    })
    expect(await ask(stage, [['origin', origin]])).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await ask(stage, signedIn)).toEqual(enrolled)
  },
)

test('a name that is too long becomes its hash; one that no token could carry is a server error', async () => {
  const { made } = stageOf()
  const stage = await made
  expect(await ask(stage, [['origin', origin], cookie('long')])).toEqual(enrolled)
  const [delegate] = await stage.server.list()
  expect([delegate?.sub, delegate?.enrollment]).toEqual([
    expect.stringMatching(/^session:#[\w-]{43}$/),
    expect.stringMatching(/^session:#[\w-]{43}$/),
  ])
  expect(await ask(stage, [['origin', origin], cookie('bad')])).toMatchObject({ status: 500, error: 'server_error' })
})
