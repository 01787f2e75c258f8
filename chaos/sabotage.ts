import { setTimeout as sleep } from 'node:timers/promises'
import { clientDeadline } from './clients/send.js'
import { growing } from './faults/fault.js'
import { ofType } from './history.js'
import type { Rig } from './rig/rig.js'

/** Breaks an invariant on purpose, behind the back of the servers: a checker that does not see that would see no fault either. */
export interface Sabotage {
  readonly name: string
  readonly what: string
  /** The invariants that must fail. */
  readonly fails: readonly string[]
  run(rig: Rig): Promise<void>
}

/** Seconds in which clients meet what was broken. */
const met = 8

const newest = (count: number): string =>
  `select * from auth_server_grants where purpose like 'direct-c%' order by created desc limit ${count}`

/** Puts another grant beside each of the newest. */
const addGrant = (name: string, what: string, o: { readonly changes: string; readonly fails: string }): Sabotage => ({
  ...{ name, what, fails: [o.fails] },
  run: async ({ postgres }) => {
    const other = `refresh_hash = md5(random()::text), id = md5(random()::text), redemption_hash = null`
    await postgres.primary.query(
      `create temporary table added as ${newest(5)}; update added set ${other} ${o.changes}; insert into auth_server_grants select * from added`,
    )
  },
})

const deleteGrant: Sabotage = {
  name: 'delete-grant',
  what: 'grants that were acknowledged are deleted',
  fails: ['acknowledged-kept'],
  run: async ({ postgres }) =>
    void (await postgres.primary.query(
      `delete from auth_server_grants where id in (select id from (${newest(5)}) as one)`,
    )),
}

const grantDenied: Sabotage = {
  name: 'grant-denied',
  what: 'what a user has denied is granted',
  fails: ['denied-nothing'],
  run: async rig => {
    const no = ofType(rig.history.records, 'decision').find(
      ({ decision, outcome }) => decision === 'deny' && outcome === 'ok',
    )
    await addGrant('', '', { changes: `, purpose = '${no?.tag}'`, fails: '' }).run(rig)
  },
}

const reviveGrant: Sabotage = {
  name: 'revive-grant',
  what: 'a grant comes back that its agent has ended, as from a backup',
  fails: ['ended-stays-ended'],
  run: async ({ postgres, history }) => {
    await postgres.primary.query('create table chaos_backup as select * from auth_server_grants')
    const known = new Set(
      (await postgres.primary.query('select refresh_hash from chaos_backup')).map(row => row['refresh_hash']),
    )
    const endedOf = (): string | undefined =>
      ofType(history.records, 'revocation')
        .filter(({ outcome }) => outcome === 'ok')
        .flatMap(({ refreshes }) => refreshes)
        .find(refresh => known.has(refresh))
    for (let tries = 0; endedOf() === undefined && tries < 300; tries++) await sleep(200)
    await postgres.primary.query('insert into auth_server_grants select * from chaos_backup where refresh_hash = $1', [
      endedOf(),
    ])
    await postgres.primary.query('drop table chaos_backup')
  },
}

const pastTheGuard: Sabotage = {
  name: 'past-the-guard',
  what: 'the API gets a request a second time, one that was refused, and one that nobody has sent',
  fails: ['one-effect', 'refused-no-effect', 'answered-happened'],
  run: async ({ history, apis }) => {
    const effects = new Set(ofType(history.records, 'effect').map(({ nonce }) => nonce))
    const refused = ofType(history.records, 'call').find(
      ({ nonce, outcome }) => outcome === 'refused' && !effects.has(nonce),
    )
    const nonces = [[...effects].at(-1), refused?.nonce, 'nobody']
    for (const nonce of nonces) await fetch(`${apis[0]?.origin}/events?n=${nonce}`, { method: 'POST' })
  },
}

/** Deletes keys of Redis again and again, while clients go on. */
async function forget({ redis }: Rig, pattern: string): Promise<void> {
  for (const until = Date.now() + 4 * met * 1000; Date.now() < until; await sleep(20)) {
    const keys = (await redis.send('KEYS', pattern)) as string[]
    if (keys.length > 0) await redis.send('DEL', ...keys)
  }
}

const forgetRequests: Sabotage = {
  name: 'forget-requests',
  what: 'Redis loses the requests that it remembers, one by one, so that nothing shows it',
  fails: ['one-effect'],
  run: async ({ redis }) => {
    for (const until = Date.now() + met * 1000; Date.now() < until; await sleep(5)) {
      const keys = (await redis.send('KEYS', '*:requests:*')) as string[]
      for (const key of keys) {
        const members = (await redis.send('SMEMBERS', key)) as string[]
        // A set without members is a key that is gone, and that would show.
        if (members.length === 0) continue
        await redis.send('SADD', key, 'nothing')
        await redis.send('SREM', key, ...members.filter(member => member !== 'nothing'), 'x')
      }
    }
  },
}

const forgetCounts: Sabotage = {
  name: 'forget-counts',
  what: 'Redis loses what it has counted, again and again',
  fails: ['calls-counted', 'limit-holds'],
  run: rig => forget(rig, '*countersign:count*'),
}

const changeEvent: Sabotage = {
  name: 'change-event',
  what: 'an event of the audit log is changed',
  fails: ['audit-verifies'],
  run: async ({ postgres }) => {
    const first = "select min(row_number) from auth_server_audit where records like '%granted%'"
    await postgres.primary.query(
      `update auth_server_audit set records = replace(records, 'granted', 'refused') where row_number = (${first})`,
    )
  },
}

const answerFault: Sabotage = {
  name: 'answer-500',
  what: 'a server answers 500',
  fails: ['no-500', 'calm'],
  run: async ({ fronts }) => {
    fronts.gateway.weather = {
      says: 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    }
    await sleep(met * 1000)
    fronts.gateway.weather = {}
  },
}

const hang: Sabotage = {
  name: 'hang',
  what: 'a server takes requests and answers none, without a fault that would explain it',
  fails: ['no-hang'],
  run: async ({ auth }) => {
    const [first] = auth
    first?.server.pause()
    await sleep(2 * clientDeadline)
    first?.server.resume()
  },
}

const dudFault: Sabotage = {
  name: 'dud-fault',
  what: 'a fault is applied that breaks nothing',
  fails: ['faults-bite'],
  run: async ({ history, fronts }) => {
    const [fault, round] = ['dud', 0]
    const measure = growing(() => fronts.auth.counts.cut, 'connections cut')
    history.add({ type: 'fault', at: Date.now(), round, fault, phase: 'apply' })
    await sleep(1000)
    history.add({ type: 'bite', round, fault, ...(await measure()) })
    history.add({ type: 'fault', at: Date.now(), round, fault, phase: 'heal' })
  },
}

/** The sabotages. */
export const sabotages: readonly Sabotage[] = [
  deleteGrant,
  addGrant('copy-grant', 'one attempt gives two grants', { changes: '', fails: 'granted-once' }),
  addGrant('stray-grant', 'a grant is made for which nobody has asked', {
    changes: ", purpose = 'nobody'",
    fails: 'granted-by-attempt',
  }),
  ...[grantDenied, reviveGrant, pastTheGuard, forgetRequests, forgetCounts, changeEvent, answerFault, hang, dudFault],
]

/** The sabotages of these names. Throws for a name that is none. */
export function sabotagesNamed(names: readonly string[]): Sabotage[] {
  return names.map(name => {
    const found = sabotages.find(each => each.name === name)
    if (found === undefined) throw new RangeError(`there is no sabotage ${name}: --list names them`)
    return found
  })
}
