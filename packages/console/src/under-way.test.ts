import { cedar } from '@countersign/auth-server/cedar'
import {
  answerQuestion,
  answerRefresh,
  approvalOutcome,
  createDelivery,
  exchangedGrantsIn,
  migrations,
  ownMandatesIn,
  readRequest,
  recheckExchange,
  rememberConsent,
  room,
  type Tables,
  writeNotices,
} from '@countersign/auth-server/internal'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { fixedKeys } from '@countersign/store/internal'
import { adaOf, approvalWorld, askAboutCall } from '@countersign/testing/auth/approval'
import { reasonOf, signInAs } from '@countersign/testing/auth/browser'
import { answerOf, browserOf, consentWorld, linkOf, open } from '@countersign/testing/auth/consent'
import { middleCallback, middleId } from '@countersign/testing/auth/exchange'
import { english } from '@countersign/testing/auth/look'
import { asksUser, person, throughOne, twoAuthServers, upstreamFor } from '@countersign/testing/auth/two-auth-servers'
import { delegate, newYear } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { publishAgent } from '@countersign/testing/world/web'
import { approvalPagesOf, finish } from '@countersign/user-desk/internal'
import { expect, test } from 'vitest'
import { answerAdmin } from './admin/admin-routes.js'

// What ends while a request is under way: the answer comes from the last look, not from the first.

const issuer = 'https://auth.example'
const agent = 'https://agent.example'
const resource = 'https://calendar.example'
const now = (): number => newYear
const tables = () => openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
const invalid = { code: 'invalid_grant', reason: 'grant_invalid' }

test(verifies('ACC-09', 'a consent that was narrowed meanwhile is another one'), async () => {
  const store = await tables()
  const key = { user_sub: 'ada', agent, agent_delegate: '', resource, chain: 'chain' }
  await store.write(tx => rememberConsent(tx, key, { scope: ['events.read'], now: newYear, words: {} }))
  const exchanged = exchangedGrantsIn(store, now, { issuer, mandates: ownMandatesIn(store, issuer, now) })
  const upstream = {
    iss: 'https://one.example',
    sub: 'ada',
    grant: 'upstream',
    scope: ['events.read'],
    exp: newYear + 300,
    act: { agent: 'https://first.example', iss: 'https://one.example' },
  }
  const opened = (conditions: readonly object[]) => {
    const remembered = { key, yes: { scope: ['events.read'], conditions } }
    return exchanged.open({ upstream, agent, delegate: undefined, resource, user: 'ada', remembered } as never)
  }
  expect(await opened([])).toEqual(expect.any(String))
  const other = opened([{ type: 'until', time: newYear + 100 }])
  await expect(other).rejects.toMatchObject({ code: 'access_denied', reason: 'user_refused' })
  await store.close()
})

test.each([
  ['is unknown', undefined],
  ['is open', { status: 'open', ended: null }],
  ['was refused', { status: 'refused', ended: null }],
  ['has ended', { status: 'approved', ended: newYear }],
])(
  verifies('approval.token', 'no token comes of a question that %s when its code is redeemed'),
  async (_, question) => {
    const context = { approvals: { find: async () => question }, now }
    const outcome = approvalOutcome({ operation: 'q' } as never, { by: 'code' } as never, { context } as never)
    await expect(outcome.issue()).rejects.toMatchObject(invalid)
  },
)

test(
  verifies('error.invalid-grant', 'a consent in an exchange is worth nothing where none is configured any more'),
  async () => {
    const question = { status: 'approved', ended: null, user_sub: 'ada', agent, resource }
    const approvals = { find: async () => question, checkStopped: async () => undefined }
    const row = { kind: 'call', operation: 'q', upstream: {}, scope: 'events.read', purposes: null } as never
    const outcome = approvalOutcome(row, { by: 'code' } as never, { context: { approvals, now }, caller: {} } as never)
    await expect(outcome.issue()).rejects.toMatchObject(invalid)
  },
)

test(
  verifies('error.invalid-grant', 'the code of an exchange is worth nothing without what its user allowed'),
  async () => {
    const exchange = { userOf: async () => undefined }
    for (const row of [
      { kind: 'access', granted_scope: 'rooms.read' },
      { kind: 'exchange', upstream: { iss: 'https://one.example', sub: 'ada' }, granted_scope: null },
      { kind: 'exchange', upstream: { iss: 'https://one.example', sub: 'ada' }, granted_scope: 'rooms.read' },
    ])
      await expect(recheckExchange(row as never, {} as never, { exchange, now } as never)).rejects.toMatchObject(
        invalid,
      )
  },
)

test(verifies('error.invalid-grant', 'a grant that ends twice while its token is signed gives no token'), async () => {
  const key = await generateSigningKey()
  const ends = [false, false]
  const context = {
    issuer: { issuer, keys: fixedKeys([{ kid: 'k1', key }]), lifetime: 600 },
    policy: async () => 'direct',
    now,
    report: { within: async () => undefined },
    blocks: { check: async () => undefined },
    approvals: { checkStopped: async () => undefined },
    grants: {
      find: async () => ({ resource, scope: 'events.read', id: 'g1', conditions: [] }),
      use: async () => ends.pop() ?? true,
    },
  } as never
  const caller = { level: 'identified', agent, key: { publicJwk: key.publicJwk } }
  const refresh = () =>
    answerRefresh({ request_type: 'refresh', refresh_token: 'r' }, { caller, discovery: {} } as never, context)
  await expect(refresh()).rejects.toMatchObject(invalid)
  expect(await refresh()).toMatchObject({ auth_token: expect.any(String) })
})

test(
  verifies('consent.code', 'a browser that proves its user after the request has ended connects nothing'),
  async () => {
    const made = await twoAuthServers()
    const ada = person(made)
    const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    await signInAs(ada.at.auth, 'ada')
    made.clock.now += 590
    const back = await throughOne(ada, await open(ada.at.auth, link))
    // The other auth server takes its time.
    const { push } = made.posts
    made.posts.push = (...forms) => {
      made.clock.now += 11
      return push.apply(made.posts, forms)
    }
    const late = await ada.at.auth.get(back)
    expect([late.status, await reasonOf(late)]).toEqual([400, 'request_ended'])
  },
)

test(verifies('consent.code', 'an exchange that waits ends where no exchange is configured any more'), async () => {
  const database = sqliteOfTest()
  const made = await twoAuthServers({ database })
  const { link } = await asksUser(made, await upstreamFor(made, person(made), 'ada'))
  const other = await consentWorld({ database })
  publishAgent(other, middleId, [made.middleKey], { redirect_uris: [middleCallback] })
  const ended = await open(await browserOf(other, 'ada'), link)
  // The middle is told, and does not wait.
  expect(answerOf(ended).searchParams.get('error')).toBe('access_denied')
  const ada = person(made)
  await signInAs(ada.at.auth, 'ada')
  expect((await open(ada.at.auth, link)).status).not.toBe(200)
})

test(verifies('ACC-10', 'a question is answered by its own user only'), async () => {
  const database = sqliteOfTest()
  const made = await approvalWorld({ database })
  const phone = await delegate(made, 'phone')
  const { one, sub } = await adaOf(made, phone)
  await browserOf(made, 'grace')
  const { request_token } = await bodyOf(await askAboutCall(made, phone, { sub }))
  await open(one, linkOf(String(request_token)))
  const store = await openStore<Tables>({ url: database, room, migrations })
  const users = await store.db.selectFrom('auth_server_users').select('sub').execute()
  const [grace = ''] = users.flatMap(user => (user.sub === sub ? [] : [user.sub]))
  const row = await store.db
    .selectFrom('auth_server_requests')
    .selectAll()
    .where('operation', 'is not', null)
    .executeTakeFirstOrThrow()
  const answered = (user: string) => {
    const given = { user, answer: 'approve', request: readRequest(row), browser: row.browser }
    return answerQuestion(store, given as never, { issuer, now: () => made.clock.now })
  }
  expect(await answered(grace)).toBe(undefined)
  expect(await answered(sub)).toMatchObject({ status: 'granted' })
  await store.close()
})

test(verifies('REV-21', 'no more than 64 notices are under way at once'), async () => {
  const store = await tables()
  const sent: string[] = []
  const answers: Array<() => void> = []
  const delivery = createDelivery({
    store,
    now,
    onOutcome: () => undefined,
    send({ resource: to }) {
      sent.push(to)
      return new Promise(resolve => answers.push(() => resolve({ outcome: 'told', status: 204 })))
    },
  })
  const grants = Array.from({ length: 70 }, (_, at) => ({
    id: `g${at}`,
    resource: `https://r${at}.example`,
    agent,
    agent_delegate: '',
    user_sub: 'ada',
  }))
  await store.write(tx => writeNotices(tx, grants, { by: 'urgent', issuer, now: newYear }))
  delivery.poke()
  await expect.poll(() => sent.length).toBe(64)
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(new Set(sent).size).toBe(64)
  const ended = delivery.end()
  for (const answer of answers) answer()
  await ended
  await store.close()
})

test(verifies('restore.epoch', 'the admin page answers nothing on a database that is behind'), async () => {
  const answer = (isBehind: boolean) => {
    const client = () => undefined
    const context = { issuer, origin: 'https://admin.example', client, isBehind: () => isBehind, now }
    const headers = [['host', 'admin.example'] as const]
    return answerAdmin(context as never)({ method: 'GET', target: '/', headers, peer: '127.0.0.1' })
  }
  expect((await answer(false)).status).toBe(200)
  expect((await answer(true)).status).toBe(503)
})

test(verifies('error.unavailable', 'a question that policies cannot read decides nothing'), async () => {
  const policy = cedar({ policies: 'permit (principal, action, resource);' })
  const asked = async (scope: readonly unknown[]) => policy({ agent, resource, scope: scope as string[] })
  expect(await asked(['events.read'])).toMatchObject({ decision: 'direct' })
  await expect(asked([1])).rejects.toMatchObject({ code: 'temporarily_unavailable', reason: 'dependency_invalid' })
})

test.each([undefined, 'refused', 'approved'])(
  verifies('consent.code', 'a question is shown while it is open, not once it is %s'),
  async status => {
    const question = status && { status, user_sub: 'ada', operation: 'send' }
    const pages = approvalPagesOf({
      blocks: { check: async () => undefined },
      approvals: { find: async () => question },
    } as never)
    const shown = { row: { kind: 'call', operation: 'q', agent }, user: { sub: 'ada' } }
    const message = { method: 'GET', target: '/agent/consent', headers: [] }
    await expect(pages.show(message, shown as never)).rejects.toMatchObject({ reason: 'request_ended' })
  },
)

test(verifies('ACC-07', 'an account at a provider is added to a user who is still signed in'), async () => {
  const told: unknown[] = []
  const attempt = { returnTo: '/account', links: true, saved: {} }
  const context = {
    issuer,
    now,
    looks: { of: () => english },
    report: { tell: (event: unknown) => told.push(event) },
    sessions: { current: async () => ({ id: 's', csrf: 'c' }), takeLink: async () => true },
    attempts: { find: () => attempt, remove: () => 'x=y' },
    store: { write: async () => 'linked' },
  } as never
  const provider = {
    id: 'p',
    name: 'P',
    finish: async () => ({ issuer: 'https://p.example', subject: 'ada', claims: {} }),
  }
  const message = { method: 'GET', target: '/login/callback/p?state=x&code=y', headers: [] }
  const page = await finish(context, message, provider as never)
  expect(await reasonOf(page)).toBe('account_not_linked')
})
