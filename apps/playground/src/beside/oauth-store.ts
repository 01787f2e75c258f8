import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  readonly payload: Record<string, unknown>
  /** Unix milliseconds. */
  readonly until?: number
}

/** What `oidc-provider` asks of a store for one kind of record. */
export interface OAuthStore {
  upsert(id: string, payload: Record<string, unknown>, seconds?: number): Promise<void>
  find(id: string): Promise<Record<string, unknown> | undefined>
  findByUid(uid: string): Promise<Record<string, unknown> | undefined>
  findByUserCode(): Promise<undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

/** Kinds whose id is the secret itself: only its hash is stored, as good practice has it. */
const hashedKinds: ReadonlySet<string> = new Set([
  'AccessToken',
  'RefreshToken',
  'AuthorizationCode',
  'ClientCredentials',
])
/** Kinds that are kept in memory only. */
const briefKinds: ReadonlySet<string> = new Set(['Session', 'Interaction', 'ReplayDetection'])
const mostRecords = 2000

/** A store in one file, which is written at each change. */
export function oauthStore(file: string): (kind: string) => OAuthStore {
  // bound: mostRecords; grown by the program
  const records = new Map<string, Entry>()
  const save = (changed: string): void => {
    if (briefKinds.has(changed)) return
    const kept = [...records].filter(([key]) => !briefKinds.has(key.split(':', 1)[0] ?? ''))
    writeFileSync(file, JSON.stringify(Object.fromEntries(kept), null, 1), { mode: 0o600 })
  }
  const live = (key: string): Entry | undefined => {
    const entry = records.get(key)
    if (entry?.until === undefined || entry.until > Date.now()) return entry
    records.delete(key)
    return undefined
  }
  const drop = (kind: string, matches: (key: string, entry: Entry) => boolean): void => {
    for (const [key, entry] of records) if (matches(key, entry)) records.delete(key)
    save(kind)
  }
  return kind => {
    const keyOf = (id: string): string =>
      `${kind}:${hashedKinds.has(kind) ? createHash('sha256').update(id).digest('base64url') : id}`
    const find = async (id: string): Promise<Record<string, unknown> | undefined> => {
      const payload = live(keyOf(id))?.payload
      return payload === undefined ? undefined : { ...payload, jti: id }
    }
    return {
      async upsert(id, { jti, ...payload }, seconds) {
        const kept = hashedKinds.has(kind) ? payload : { ...payload, jti }
        const until = seconds === undefined ? {} : { until: Date.now() + seconds * 1000 }
        records.delete(keyOf(id))
        records.set(keyOf(id), { payload: kept, ...until })
        if (records.size > mostRecords) records.delete(records.keys().next().value ?? '')
        save(kind)
      },
      find,
      async findByUid(uid) {
        const key = [...records.keys()].find(
          known => known.startsWith(`${kind}:`) && live(known)?.payload['uid'] === uid,
        )
        return key === undefined ? undefined : records.get(key)?.payload
      },
      findByUserCode: async () => undefined,
      async consume(id) {
        const entry = live(keyOf(id))
        if (entry !== undefined) entry.payload['consumed'] = Math.floor(Date.now() / 1000)
        save(kind)
      },
      destroy: async id => drop(kind, key => key === keyOf(id)),
      revokeByGrantId: async grantId =>
        drop(kind, (key, { payload }) => key.startsWith(`${kind}:`) && payload['grantId'] === grantId),
    }
  }
}

/** Reads the records of a store's file, as a thief would. */
export function readStore(file: string): Readonly<Record<string, Entry>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Entry>
  } catch {
    return {}
  }
}
