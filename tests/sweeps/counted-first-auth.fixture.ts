import { randomUUID } from 'node:crypto'
import { cookiesOf } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { openStore } from '@countersign/store'
import { defaultApprovalLimits } from '../../packages/auth-server/src/approval/approval-limits.js'
import { type Approvals, approvalsIn } from '../../packages/auth-server/src/approval/approvals.js'
import { countsIn } from '../../packages/auth-server/src/bound/counts.js'
import { linksIn } from '../../packages/auth-server/src/exchange/links.js'
import { grantsIn, newGrantId } from '../../packages/auth-server/src/grant/grants.js'
import type { RequestOf } from '../../packages/auth-server/src/request/read-request.js'
import type { NewRequest } from '../../packages/auth-server/src/request/request-row.js'
import { type Requests, requestsIn } from '../../packages/auth-server/src/request/requests.js'
import { migrations, room, type Tables } from '../../packages/auth-server/src/tables/tables.js'
import { redemptionsIn } from '../../packages/auth-server/src/token/redemption-store.js'
import { newUser, noteLogin } from '../../packages/auth-server/src/users/users.js'
import { createGuesses } from '../../packages/user-desk/src/consent/guesses.js'
import { browserSessions } from '../../packages/user-desk/src/login/browser-session.js'
import { burst, crowd } from './counted-first.fixture.js'

const issuer = 'https://auth.example'
const agent = 'https://agent.example'
const resource = 'https://calendar.example'
const now = (): number => 1_800_000_000
const user = { sub: 'ada', claims: {} }

interface Instance {
  readonly store: Store<Tables>
  readonly requests: Requests
}

/** Two auth servers on one database. */
export async function authInstances(url: string): Promise<{ at(n: number): Instance; close(): Promise<void> }> {
  const quota = { agent: 20 * crowd, delegate: 100 }
  const open = async (): Promise<Instance> => {
    const store = await openStore<Tables>({ url, room, migrations })
    await store.write(tx => newUser(tx, { sub: user.sub, claims: user.claims, now: now() }))
    return { store, requests: requestsIn(store, now, { quota, development: true }) }
  }
  const [one, two] = [await open(), await open()]
  return {
    at: n => (n % 2 === 0 ? one : two),
    close: () => Promise.all([one.store.close(), two.store.close()]).then(() => undefined),
  }
}

const asked = (delegate?: string): NewRequest => ({
  principal: { agent, ...(delegate === undefined ? {} : { delegate }) },
  resource,
  scope: ['events.read'],
})
const way = { redirect_uri: 'https://app.example/callback' }

function approvalsAt({ store }: Instance): Approvals {
  const setup = { issuer, now, quota: { agent: 20 * crowd, delegate: 100 }, development: true }
  const none = (): undefined => undefined
  return approvalsIn(store, { ...setup, limits: defaultApprovalLimits, onEnded: none, onApproval: none })
}

const question = (digest: string, delegate: string): Parameters<Approvals['ask']>[0] => ({
  request: asked(delegate),
  question: {
    user_sub: user.sub,
    holder: user.sub,
    agent_jkt: 'key',
    operation: 'send',
    digest,
    words: 'Send',
    grave: false,
    display: undefined,
    known: true,
  },
  by: { flow: 'inbox' },
})

async function waiting({ requests }: Instance, device = false): Promise<RequestOf<'access'>> {
  const token = device
    ? (await requests.addDevice(asked())).device_code
    : (await requests.add(asked(), way)).request_token
  const row = await requests.find(token)
  if (row?.kind !== 'access') throw new Error('a request was not stored')
  return row
}

async function allowed(instance: Instance, device = false): Promise<RequestOf<'access'>> {
  const row = await waiting(instance, device)
  await instance.requests.claim(row, 'browser')
  const decision = { user, scope: ['events.read'], by: 'user', remember: 'no' } as const
  const decided = await instance.requests.decide(row, { browser: 'browser', decision })
  if (decided === undefined) throw new Error('a request was not decided')
  return decided
}

type Instances = Awaited<ReturnType<typeof authInstances>>

/** What a crowd may have of each subject, and how it tries. */
export const authBursts: Readonly<
  Record<string, { readonly most: number; readonly act: (o: Instances) => Promise<number> }>
> = {
  'requests of one delegate': {
    most: 100,
    act: ({ at }) =>
      burst(n =>
        at(n)
          .requests.add(asked('phone'), way)
          .then(() => true),
      ),
  },
  'open questions of one delegate': {
    most: 5,
    act({ at }) {
      const approvals = [0, 1].map(n => approvalsAt(at(n)))
      // A delegate whose quota of requests nothing else here has used up.
      return burst(async n => (await approvals[n % 2]?.ask(question(`${n}`, 'tablet'))) !== undefined)
    },
  },
  'answers to one question': {
    most: 1,
    async act({ at }) {
      const approvals = [0, 1].map(n => approvalsAt(at(n)))
      // A question of a caller with access is answered only while that lasts.
      const principal = { agent, delegate: 'laptop' }
      const given = { id: newGrantId(), resource, scope: 'events.read', user }
      await grantsIn(at(0).store, now, { issuer }).add(principal, given)
      const { token = '' } = (await approvals[0]?.ask(question('one', 'laptop'))) ?? {}
      const request = await at(0).requests.find(token)
      if (request?.kind !== 'call') throw new Error('a question was not stored')
      const answer = { user: user.sub, answer: 'approve', request, browser: undefined } as const
      return burst(async n => (await approvals[n % 2]?.answer(answer)) !== undefined)
    },
  },
  'device-code guesses': {
    most: 5,
    act({ at }) {
      const guesses = [0, 1].map(n => createGuesses(countsIn(at(n).store, now), { privatePeers: true }))
      const guesser = { session: 's', user: 'u', peer: '192.0.2.1' }
      return burst(async n => {
        await guesses[n % 2]?.take(guesser)
        return true
      })
    },
  },
  'browsers of one request': {
    most: 1,
    async act({ at }) {
      const row = await waiting(at(0))
      return burst(n => at(n).requests.claim(row, `browser ${n}`))
    },
  },
  'decisions of one request': {
    most: 1,
    async act({ at }) {
      const row = await waiting(at(0))
      await at(0).requests.claim(row, 'browser')
      const decision = { user, scope: ['events.read'], by: 'user', remember: 'no' } as const
      return burst(async n => (await at(n).requests.decide(row, { browser: 'browser', decision })) !== undefined)
    },
  },
  'pages that one user is shown': {
    most: 20,
    async act({ at }) {
      const rows = await Promise.all(Array.from({ length: crowd }, (_, n) => waiting(at(n))))
      return burst(async n => {
        const row = rows[n]
        return row !== undefined && (await at(n).requests.shown(row, 'eve')) <= 20
      })
    },
  },
  'redemptions of a code': { most: 1, act: o => redemptions(o, false) },
  'redemptions of a device code': { most: 1, act: o => redemptions(o, true) },
  'redemptions of the code of an exchange': {
    most: 1,
    async act({ at }) {
      const takers = [0, 1].map(n => redemptionsIn({ store: at(n).store, now, issuer: 'https://auth.example' }))
      const row = await allowed(at(0))
      return burst(async n => (await takers[n % 2]?.take(row, undefined)) !== undefined)
    },
  },
  'users that one upstream user is linked to': {
    most: 1,
    async act({ at }) {
      const links = [0, 1].map(n => linksIn(at(n).store, now))
      const rows = await Promise.all(Array.from({ length: crowd }, (_, n) => waiting(at(n))))
      await burst(async n => {
        const row = rows[n]
        if (row === undefined) return false
        await at(n).requests.claim(row, 'browser')
        await at(n).store.write(tx => newUser(tx, { sub: `user ${n}`, claims: {}, now: now() }))
        return (await links[n % 2]?.prove(row, 'browser', `user ${n}`)) === true
      })
      return burst(async n => {
        const row = rows[n]
        const upstream = { iss: 'https://two.example', sub: 'theirs' }
        return row !== undefined && (await links[n % 2]?.add(row, { upstream, user: `user ${n}` })) === true
      })
    },
  },
  'uses of a grant that ends': {
    most: 1,
    async act({ at }) {
      const grants = [0, 1].map(n => grantsIn(at(n).store, now, { issuer }))
      const token = await grants[0]?.add({ agent }, { id: newGrantId(), resource, scope: 'events.read', user })
      return burst(async n => (await grants[n % 2]?.revoke({ agent }, token ?? '')) !== undefined)
    },
  },
  'grants of one agent, at two instances': {
    most: 100,
    async act({ at }) {
      const grants = [0, 1].map(n => grantsIn(at(n).store, now, { issuer }))
      const agent = 'https://many.example'
      let highest = 0
      await burst(async n => {
        await grants[n % 2]?.add({ agent }, { id: randomUUID(), resource, scope: 'events.read' })
        // While the burst is under way, too: what one write adds, another must not have to end.
        highest = Math.max(highest, await rows(at(n), 'auth_server_grants', 'agent', agent))
        return true
      })
      return highest
    },
  },
  'browsers in which one user is signed in': {
    most: 20,
    async act({ at }) {
      const blocked = { isUserBlocked: async () => false, checkSignIn: async () => {} }
      const isSignedInThere = async (): Promise<boolean> => true
      const sessions = [0, 1].map(n =>
        browserSessions({ store: at(n).store, cookies: cookiesOf(issuer), now, blocked, isSignedInThere }),
      )
      const account = { issuer: 'https://login.example', subject: 'bob', claims: { name: 'Bob' } }
      await burst(async n => {
        const message = { method: 'POST', target: '/login/demo', headers: [] }
        await sessions[n % 2]?.signIn(message, {
          session: { id: `browser ${n}`, csrf: '' },
          entrance: async (tx, at) => ({
            user: await noteLogin(tx, account, { sub: 'bob', now: at, provider: 'demo' }),
            provider: 'demo',
            verified: 0,
            history: [],
          }),
        })
        return true
      }, crowd / 3)
      const [bob] = await at(0)
        .store.db.selectFrom('auth_server_users')
        .select('sub')
        .where('subject', '=', 'bob')
        .execute()
      return rows(at(0), 'auth_server_sessions', 'sub', bob?.sub ?? '')
    },
  },
}

async function redemptions({ at }: Instances, device: boolean): Promise<number> {
  const takers = [0, 1].map(n => redemptionsIn({ store: at(n).store, now, issuer: 'https://auth.example' }))
  const row = await allowed(at(0), device)
  const grant = { resource, scope: 'events.read', user }
  return burst(async n => {
    const what = { principal: { agent }, grant: { ...grant, id: newGrantId() }, redemption: `code of ${row.id}` }
    return (await takers[n % 2]?.take(row, what)) !== undefined
  })
}

async function rows(
  { store }: Instance,
  table: 'auth_server_grants' | 'auth_server_sessions',
  column: 'agent' | 'sub',
  value: string,
): Promise<number> {
  const all = await store.db
    .selectFrom(table as 'auth_server_grants')
    .select(({ fn }) => fn.countAll().as('n'))
    .where(column as 'agent', '=', value)
    .executeTakeFirstOrThrow()
  return Number(all.n)
}
