import { randomBytes, randomUUID } from 'node:crypto'
import { memoryReplaySet } from '@countersign/httpsig'
import { redisReplaySet } from '@countersign/redis'
import { redisCounter, redisInteractions } from '@countersign/redis/resource'
import { memoryCounter } from '@countersign/resource'
import { openStore, type Store } from '@countersign/store'
import { databaseKeyStore, keyRoom } from '@countersign/store/internal'
import {
  openPendingInteractions,
  type PendingInteraction,
} from '../../packages/agent/src/interact/pending-interactions.js'
import { memoryState } from '../../packages/agent/src/state/state.js'
import { delegateKeysIn } from '../../packages/agent-server/src/delegate/delegate-key.js'
import { delegatesIn } from '../../packages/agent-server/src/delegate/delegates.js'
import { enrollmentCodeHash } from '../../packages/agent-server/src/enrollment/code.js'
import { codes } from '../../packages/agent-server/src/enrollment/codes.js'
import { takeProof } from '../../packages/agent-server/src/enrollment/used-proof.js'
import { migrations, room, type Tables } from '../../packages/agent-server/src/tables.js'
import { createRepeats } from '../../packages/auth-server/src/token/repeats.js'
import {
  type InteractionSession,
  type InteractionSessions,
  memoryInteractions,
} from '../../packages/resource/src/downstream/interaction-sessions.js'
import { sealWith } from '../../packages/resource/src/oauth/sealed.js'
import { openTokenRows } from '../../packages/resource/src/oauth/token-rows.js'
import { burst } from './counted-first.fixture.js'

const now = (): number => 1_800_000_000

/** Two agent servers on one database. */
export async function agentInstances(
  url: string,
): Promise<{ at(n: number): Store<Tables>; url: string; close(): Promise<void> }> {
  const open = (): Promise<Store<Tables>> => openStore<Tables>({ url, room, migrations })
  const [one, two] = [await open(), await open()]
  return {
    at: n => (n % 2 === 0 ? one : two),
    url,
    close: () => Promise.all([one.close(), two.close()]).then(() => undefined),
  }
}

type Instances = Awaited<ReturnType<typeof agentInstances>>
type Burst<O> = { readonly most: number; readonly act: (o: O) => Promise<number> }

async function enrolledDelegate({ at }: Instances, sub: string): Promise<string> {
  const jkt = `key of ${sub}`
  await delegatesIn(at(0), now).enroll({ sub, enrollment: 'code:x' }, jkt)
  return jkt
}

/** What a crowd may have of each subject that an agent server keeps, and how it tries. */
export const agentServerBursts: Readonly<Record<string, Burst<Instances>>> = {
  'uses of an enrolment code': {
    most: 1,
    async act({ at }) {
      const code = 'the code'
      const row = {
        hash: enrollmentCodeHash(code),
        sub: 'phone',
        enrollment: 'code:x',
        expires: now() + 600,
        used: null,
      }
      await at(0).write(tx => tx.insertInto('agent_server_enrollment_codes').values(row).execute())
      const context = {
        id: 'https://agent.example',
        now,
        development: false,
        onEvent: () => undefined,
        delegations: { development: false },
      }
      const admit = [0, 1].map(n => codes().open({ ...context, store: at(n) }))
      const message = { method: 'POST', target: '/delegate/token', headers: [] }
      return burst(async n => {
        const jkt = `phone ${n}`
        const admission = await admit[n % 2]?.({ members: { code }, message, jkt, endpoint: '' })
        if (admission === undefined) return false
        return (await delegatesIn(at(n), now).enroll(admission, jkt)).outcome === 'enrolled'
      })
    },
  },
  'uses of a proof': {
    most: 1,
    act: ({ at }) =>
      burst(async n => {
        const proof = { hash: 'one proof', sub: 'ci', expires: now() + 600, now: now() }
        await at(n).write(tx => takeProof(tx, proof))
        return true
      }),
  },
  'proofs of one delegate': {
    most: 100,
    act: ({ at }) =>
      burst(async n => {
        const proof = { hash: `proof ${n}`, sub: 'many', expires: now() + 600, now: now() }
        await at(n).write(tx => takeProof(tx, proof))
        return true
      }),
  },
  'keys that follow one key': {
    most: 1,
    async act(o) {
      const from = await enrolledDelegate(o, 'laptop')
      const keys = [0, 1].map(n => delegateKeysIn(o.at(n), now))
      return burst(async n => {
        const rotation = { sub: 'laptop', from, to: `laptop ${n}`, jti: `jti ${n}` }
        return (await keys[n % 2]?.rotate(rotation)) === 'rotated'
      })
    },
  },
  'ends of a delegate': {
    most: 1,
    async act(o) {
      await enrolledDelegate(o, 'tablet')
      return burst(n => delegatesIn(o.at(n), now).revoke('tablet'))
    },
  },
  'returns of a delegate': {
    most: 1,
    async act(o) {
      await enrolledDelegate(o, 'watch')
      await delegatesIn(o.at(0), now).revoke('watch')
      return burst(n => delegatesIn(o.at(n), now).reinstate('watch'))
    },
  },
  'next keys of an agent server': {
    most: 1,
    act({ at }) {
      const stores = [0, 1].map(n =>
        databaseKeyStore(keyRoom(at(n), 'agent_server'), { algorithm: 'Ed25519', given: [], now }),
      )
      const add = { generation: 1, published: now(), signs: now() }
      return burst(async n => {
        const made = await stores[n % 2]?.change({ add, spent: [], retired: [], forgotten: [] })
        return made?.added !== undefined
      })
    },
  },
  'OAuth tokens in place of those that were read': {
    most: 1,
    async act({ url }) {
      const seal = sealWith([randomBytes(32)])
      const stores = [await openTokenRows(url, seal, now), await openTokenRows(url, seal, now)]
      const place = { owner: 'ada', before: [], api: 'mail' }
      await stores[0]?.write(place, { access_token: 'first' })
      const read = await stores[0]?.read(place)
      if (read === undefined) throw new Error('tokens were not stored')
      const passed = await burst(
        async n => (await stores[n % 2]?.replace(place, read, { access_token: `next ${n}` })) === true,
      )
      for (const store of stores) await store.close()
      return passed
    },
  },
}

/** Requests at a limit of one hundred. */
const hundred = { count: 100, seconds: 60 }
const entry: Omit<Parameters<ReturnType<typeof memoryReplaySet>['check']>[0], 'created'> = {
  authority: 'api.example',
  thumbprint: 'key',
  base: 'one base',
  partition: 'identified',
  principal: 'https://agent.example',
}

/** A call in one window of a hundred. */
const call = { windows: [{ key: 'window', max: 100, ends: now() + 60 }], now: now() }

/** What a crowd may have of each subject in memory, at one instance. */
export const memoryBursts: Readonly<Record<string, Burst<undefined>>> = {
  'requests at a limit in memory': {
    most: 100,
    act() {
      const counter = memoryCounter()
      return burst(async () => (await counter.take('a', hundred)).within)
    },
  },
  'calls under a condition in memory': {
    most: 100,
    act() {
      const counter = memoryCounter()
      return burst(async () => (await counter.takeCall(call)).length === 0)
    },
  },
  'requests with one signature': {
    most: 1,
    act() {
      const set = memoryReplaySet({ now })
      return burst(async () => (await set.check({ ...entry, created: now() + 1 })) === 'fresh')
    },
  },
  'answers to a code in memory': {
    most: 1,
    act() {
      const repeats = createRepeats(now)
      const first = async (): Promise<{ auth_token: string; expires_in: number }> => {
        await new Promise(resolve => setTimeout(resolve, 2))
        return { auth_token: '', expires_in: 1 }
      }
      return burst(async () => (await repeats.answer('code', first)).kind === 'first')
    },
  },
  'browsers of one interaction': {
    most: 1,
    async act() {
      const sessions = memoryInteractions(now)
      await sessions.add(interaction)
      return burst(async n => {
        const claim = { browser: `browser ${n}`, returnUrl: '', state: '' }
        return (await sessions.claim(interaction.id, claim))?.claim?.browser === claim.browser
      })
    },
  },
  'returns of one interaction': {
    most: 1,
    async act() {
      const sessions = memoryInteractions(now)
      await sessions.add(interaction)
      await sessions.claim(interaction.id, { browser: 'b', returnUrl: '', state: '' })
      return burst(async () => (await sessions.take(interaction.pending.state, 'b')) !== undefined)
    },
  },
  'uses of the code of an interaction': {
    most: 1,
    async act() {
      const sessions = memoryInteractions(now)
      await sessions.keep('code', { principal: 'p', expires: now() + 60 })
      return burst(async () => (await sessions.redeem('code', 'p')) !== undefined)
    },
  },
  'callbacks of one question at an agent': {
    most: 1,
    async act() {
      const pending = openPendingInteractions(memoryState(), now)
      await pending.add(question)
      return burst(async () => (await pending.take(({ state }) => state === question.state)) !== undefined)
    },
  },
}

const interaction = {
  id: 'session',
  agent: 'https://agent.example',
  principal: 'p',
  asking: { agent: 'https://agent.example' },
  pending: { state: 'the state' },
  expires: now() + 600,
} as unknown as InteractionSession

const question: PendingInteraction = {
  owner: 'o',
  issuer: 'https://auth.example',
  resource: 'https://calendar.example',
  scope: 'events.read',
  state: 'the state',
  requestToken: 'r',
  redirectUri: 'https://app.example/cb',
  url: 'https://auth.example/',
  begun: now(),
  expires: now() + 600,
}

/** A burst on two instances that share one question and one answer. */
async function interactionsIn(
  url: string,
  act: (sessions: InteractionSessions, n: number) => Promise<boolean>,
): Promise<number> {
  const place = { url, prefix: `countersign-sweep:${randomUUID()}`, now }
  const [one, two] = [await redisInteractions(place), await redisInteractions(place)]
  await one.add(interaction)
  await two.keep('code', { principal: 'p', expires: now() + 60 })
  const passed = await burst(n => act(n % 2 === 0 ? one : two, n))
  for (const each of [one, two]) await each.close()
  return passed
}

/** What a crowd may have of each subject that instances share in Redis. */
export const redisBursts: Readonly<Record<string, Burst<string>>> = {
  'requests at a limit in Redis': {
    most: 100,
    async act(url) {
      const prefix = `countersign-sweep:${randomUUID()}`
      const counters = [await redisCounter({ url, prefix }), await redisCounter({ url, prefix })]
      const passed = await burst(async n => (await counters[n % 2]?.take('a', hundred))?.within === true)
      for (const counter of counters) await counter.close()
      return passed
    },
  },
  'calls under a condition in Redis': {
    most: 100,
    async act(url) {
      const prefix = `countersign-sweep:${randomUUID()}`
      const counters = [await redisCounter({ url, prefix }), await redisCounter({ url, prefix })]
      const seconds = Math.floor(Date.now() / 1000)
      const timed = { windows: [{ key: 'window', max: 100, ends: seconds + 60 }], now: seconds }
      const passed = await burst(async n => (await counters[n % 2]?.takeCall(timed))?.length === 0)
      for (const counter of counters) await counter.close()
      return passed
    },
  },
  'browsers of one interaction in Redis': {
    most: 1,
    act: url =>
      interactionsIn(url, async (sessions, n) => {
        const claim = { browser: `browser ${n}`, returnUrl: '', state: '' }
        return (await sessions.claim(interaction.id, claim))?.claim?.browser === claim.browser
      }),
  },
  'returns of one interaction in Redis': {
    most: 1,
    act: url =>
      interactionsIn(url, async sessions => {
        await sessions.claim(interaction.id, { browser: 'b', returnUrl: '', state: '' })
        return (await sessions.take(interaction.pending.state, 'b')) !== undefined
      }),
  },
  'uses of the code of an interaction in Redis': {
    most: 1,
    act: url => interactionsIn(url, async sessions => (await sessions.redeem('code', 'p')) !== undefined),
  },
  'requests with one signature, in Redis': {
    most: 1,
    async act(url) {
      const prefix = `countersign-sweep:${randomUUID()}`
      const sets = [await redisReplaySet({ url, prefix }), await redisReplaySet({ url, prefix })]
      const created = Math.floor(Date.now() / 1000) + 1
      const passed = await burst(async n => (await sets[n % 2]?.check({ ...entry, created })) === 'fresh')
      for (const set of sets) await set.close()
      return passed
    },
  },
}
