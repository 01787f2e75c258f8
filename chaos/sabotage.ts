import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CallInvariant, limited, metered, nonceOnce } from './check/calls.js'
import { clientDeadline } from './clients/send.js'
import { type Fault, growing } from './faults/fault.js'
import { type History, ofType, type RevocationRecord } from './history.js'
import { promises } from './promises.js'
import type { Rig } from './rig/rig.js'

/** Breaks an invariant on purpose, behind the back of the servers: a checker that does not see that would see no fault either. */
export interface Sabotage {
  readonly name: string
  readonly what: string
  /** The invariants that must fail. */
  readonly fails: readonly string[]
  /** @param round applies a fault, heals it, and waits until every flow works again, as in every round of a run */
  run(rig: Rig, round: (fault: Fault) => Promise<void>): Promise<void>
}

/** Looks again and again, for two minutes at most; resolves with what it has found, undefined where it has found nothing. */
async function waitFor<T>(look: () => T | false | undefined | Promise<T | false>, pause = 100): Promise<T | undefined> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(pause)) {
    const found = await look()
    if (found !== false && found !== undefined) return found
  }
  return undefined
}

const endsIn = ({ records }: History): RevocationRecord[] =>
  ofType(records, 'revocation').filter(({ outcome }) => outcome === 'ok')

const newest = (count: number): string =>
  `select * from auth_server_grants where purpose like 'direct-c%' order by created desc limit ${count}`

/** Puts another grant beside each of the newest. */
async function addGrants({ postgres }: Rig, changes = ''): Promise<void> {
  await waitFor(async () => (await postgres.primary.query(newest(5))).length === 5)
  const other = `refresh_hash = md5(random()::text), id = md5(random()::text), redemption_hash = null`
  await postgres.primary.query(
    `create temporary table added as ${newest(5)}; update added set ${other} ${changes}; insert into auth_server_grants select * from added`,
  )
}

const copyGrant: Sabotage = {
  name: 'copy-grant',
  what: 'one attempt gives two grants',
  fails: ['granted-once'],
  run: rig => addGrants(rig),
}

const strayGrant: Sabotage = {
  name: 'stray-grant',
  what: 'grants are made for which nobody has asked',
  fails: ['granted-by-attempt', 'granted-once'],
  run: rig => addGrants(rig, ", purpose = 'nobody'"),
}

const deleteGrant: Sabotage = {
  name: 'delete-grant',
  what: 'grants that were acknowledged are deleted',
  fails: ['acknowledged-kept', 'refresh-never-refused'],
  run: async ({ postgres }) =>
    void (await postgres.primary.query(
      `delete from auth_server_grants where id in (select id from (${newest(5)}) as one)`,
    )),
}

const grantDenied: Sabotage = {
  name: 'grant-denied',
  what: 'what a user has denied is granted',
  fails: ['denied-nothing', 'granted-after-yes', 'granted-once'],
  run: async rig => {
    const denied = await waitFor(() =>
      ofType(rig.history.records, 'decision').find(({ decision, outcome }) => decision === 'deny' && outcome === 'ok'),
    )
    await addGrants(rig, `, purpose = '${denied?.tag}'`)
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
    const ended = await waitFor(() =>
      endsIn(history)
        .flatMap(({ refreshes }) => refreshes)
        .find(refresh => known.has(refresh)),
    )
    await postgres.primary.query('insert into auth_server_grants select * from chaos_backup where refresh_hash = $1', [
      ended,
    ])
    await postgres.primary.query('drop table chaos_backup')
  },
}

const pastTheGuard: Sabotage = {
  name: 'past-the-guard',
  what: 'the API gets a request a second time, one that was refused, and one that nobody has sent',
  fails: ['one-effect', 'refused-no-effect', 'answered-happened'],
  run: async ({ history, apis }) => {
    const nonces = await waitFor(() => {
      const effects = new Set(ofType(history.records, 'effect').map(({ nonce }) => nonce))
      const refused = ofType(history.records, 'call').find(
        ({ nonce, outcome }) => outcome === 'refused' && !effects.has(nonce),
      )
      return effects.size > 0 && refused !== undefined && [[...effects].at(-1), refused.nonce, 'nobody']
    })
    for (const nonce of nonces ?? []) await fetch(`${apis[0]?.origin}/events?n=${nonce}`, { method: 'POST' })
  },
}

/**
 * Goes on until the checker sees more violations of each than there were, for two minutes at most: how many calls come in a time depends on
 * the machine.
 */
async function untilSeen(
  { history: { records } }: Rig,
  invariants: readonly CallInvariant[],
  act: () => Promise<void>,
): Promise<void> {
  const seen = (): number[] => invariants.map(({ violations }) => violations({ records, promises }).length)
  const before = seen()
  let checked = Date.now()
  await waitFor(async () => {
    await act()
    if (Date.now() < checked + 1000) return false
    checked = Date.now()
    return seen().every((count, index) => count > (before[index] ?? 0))
  }, 10)
}

const forgetRequests: Sabotage = {
  name: 'forget-requests',
  what: 'Redis loses the requests that it remembers, one by one, so that nothing shows it',
  fails: ['one-effect'],
  run: rig =>
    untilSeen(rig, [nonceOnce], async () => {
      const { redis } = rig
      const keys = (await redis.send('KEYS', '*:requests:*')) as string[]
      for (const key of keys) {
        const members = (await redis.send('SMEMBERS', key)) as string[]
        // A set without members is a key that is gone, and that would show.
        if (members.length === 0) continue
        await redis.send('SADD', key, 'nothing')
        await redis.send('SREM', key, ...members.filter(member => member !== 'nothing'), 'x')
      }
    }),
}

const forgetCounts: Sabotage = {
  name: 'forget-counts',
  what: 'Redis loses what it has counted, again and again',
  fails: ['calls-counted', 'limit-holds'],
  run: rig =>
    untilSeen(rig, [metered, limited], async () => {
      const keys = (await rig.redis.send('KEYS', '*countersign:count*')) as string[]
      if (keys.length > 0) await rig.redis.send('DEL', ...keys)
    }),
}

const changeEvent: Sabotage = {
  name: 'change-event',
  what: 'an event of the audit log is changed, which tells of the end of a grant',
  fails: ['audit-verifies', 'audit-complete'],
  run: async ({ postgres, history }) => {
    await waitFor(() => endsIn(history).some(({ by }) => by === 'agent'))
    const first = `select min(row_number) from auth_server_audit where records like '%"type":"revoked"%'`
    await postgres.primary.query(
      `update auth_server_audit set records = replace(records, '"revoked"', '"refused"') where row_number = (${first})`,
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
    await sleep(8000)
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

const takeEvent: Sabotage = {
  name: 'take-event',
  what: 'events that a user took access back are taken out of the queue before the audit log gives them a place',
  fails: ['audit-taken-back'],
  run: async ({ postgres, history }) => {
    const events = `select row_number from auth_server_audit where records like '%"type":"taken_back"%'`
    const take = `with taken as (delete from auth_server_audit_waiting where row_number in (${events}) returning row_number)
      delete from auth_server_audit where row_number in (select row_number from taken)`
    await waitFor(async () => {
      await postgres.primary.query(take)
      const told = await postgres.primary.query(events)
      // One more than the checker needs: the event of an end that was not answered may come later.
      return told.length + 1 < endsIn(history).filter(({ by }) => by === 'user').length
    })
  },
}

const forgetEnds: Sabotage = {
  name: 'forget-ends',
  what: 'Redis loses which grants were ended, and their tokens pass again',
  fails: ['ended-refused-by-resource'],
  run: async ({ redis, history }) => {
    const calm = Math.max(0, ...ofType(history.records, 'fault').map(({ at }) => at))
    /** Grants that every gateway refuses by now. */
    const refused = (): Set<string | undefined> => {
      const since = Date.now() - promises.revocation
      const ends = endsIn(history).filter(({ by, begin, end }) => by !== 'agent' && begin > calm && end < since)
      return new Set(ends.flatMap(({ grants }) => grants))
    }
    await waitFor(() => refused().size > 0)
    const [grants, lost] = [refused(), Date.now()]
    const keys = (await redis.send('KEYS', '{countersign:revoked:*}:*')) as string[]
    // The others say since when all ends are known: without them older tokens would be refused.
    for (const key of keys) if ((await redis.send('TYPE', key)) === 'zset') await redis.send('DEL', key)
    await waitFor(() =>
      ofType(history.records, 'call').some(
        ({ grant, begin, outcome }) => begin > lost && outcome === 'ok' && grants.has(grant),
      ),
    )
  },
}

const replaceKeys: Sabotage = {
  name: 'replace-keys',
  what: 'the keys of the auth server are lost, and it goes on with others',
  fails: ['keys-published', 'calm'],
  run: async ({ auth, folder }) => {
    for (const { server } of auth) await server.stop()
    rmSync(join(folder, 'keys', 'auth.json'))
    for (const { server } of auth) await server.start(['--replace-keys'])
  },
}

const dudFault: Sabotage = {
  name: 'dud-fault',
  what: 'a fault is applied that breaks nothing',
  fails: ['faults-bite'],
  run: ({ fronts }, round) =>
    round({
      name: 'dud',
      what: 'nothing',
      silent: false,
      takes: ['nothing'],
      apply: async () => ({
        heal: async () => undefined,
        measure: growing(() => fronts.auth.counts.cut, 'connections cut'),
      }),
    }),
}

const staysAway: Sabotage = {
  name: 'stays-away',
  what: 'the auth server of the other domain goes on to refuse connections after the fault was healed',
  fails: ['recovers'],
  run: ({ fronts: { partner } }, round) =>
    round({
      name: 'partner-away',
      what: 'the auth server of the other domain refuses connections',
      silent: false,
      takes: ['process partner'],
      async apply() {
        partner.weather = { refuses: true }
        const mend = async (): Promise<void> => {
          await sleep(promises.recovery + 5000)
          partner.weather = {}
        }
        return { heal: async () => void mend(), measure: growing(() => partner.counts.cut, 'connections refused') }
      },
    }),
}

/**
 * The sabotages. Some leave requests unanswered, whose events may come later: events are taken out after these. Grants are deleted last, so
 * that none of them is ended before a client looks for it.
 */
export const sabotages: readonly Sabotage[] = [
  copyGrant,
  strayGrant,
  grantDenied,
  reviveGrant,
  pastTheGuard,
  forgetRequests,
  forgetCounts,
  changeEvent,
  answerFault,
  hang,
  forgetEnds,
  replaceKeys,
  dudFault,
  staysAway,
  takeEvent,
  deleteGrant,
]

/** The sabotages of these names. Throws for a name that is none. */
export function sabotagesNamed(names: readonly string[]): Sabotage[] {
  return names.map(name => {
    const found = sabotages.find(each => each.name === name)
    if (found === undefined) throw new RangeError(`there is no sabotage ${name}: --list names them`)
    return found
  })
}
