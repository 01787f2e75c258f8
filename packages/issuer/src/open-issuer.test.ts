import { join } from 'node:path'
import { auditMigration, readAudit } from '@countersign/audit'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { type EpochMark, openStore, type Store } from '@countersign/store'
import { epochMigration, ownKeysMigration } from '@countersign/store/internal'
import { temporaryFolder } from '@countersign/testing/folders'
import { memoryEpoch } from '@countersign/testing/memory-epoch'
import { expect, test, vi } from 'vitest'
import type { IssuerEvent } from './issuer-event.js'
import type { IssuerKind } from './kind.js'
import { type Issuer, openBeside, openIssuer } from './open-issuer.js'

const now = (): number => 1_800_000_000
const [room, folder] = ['issuer', temporaryFolder()]
const keys = [{ kid: 'k1', key: await generateSigningKey() }]
const audit = { key: await generateSigningKey() }
const migrations = [
  ownKeysMigration('001-own-keys', room),
  epochMigration('002-epoch', room),
  auditMigration('003-audit', room),
]

const kind: IssuerKind<IssuerEvent> = {
  room,
  lifetimes: { tokenLifetime: 3600, grace: 0 },
  eventOf: event => ({ type: event.type, detail: 'reason' in event ? { reason: event.reason } : {} }),
  shareOf: () => undefined,
  countedEvent: () => ({ type: 'key_retired', kid: 'none' }),
  isUndoneByRestore: ({ type }) => type === 'key_made',
}

const open = (name: string): Promise<Store<object>> =>
  openStore<object>({ url: `sqlite:${join(folder, name)}`, room, migrations })

/** Opens a server, and collects the events that it tells of. */
async function opened(
  name: string,
  o: Partial<Parameters<typeof openIssuer<object, IssuerEvent>>[2]> = {},
): Promise<{ issuer: Issuer<object, IssuerEvent>; events: IssuerEvent[] }> {
  const events: IssuerEvent[] = []
  const issuer = await openIssuer<object, IssuerEvent>(await open(name), kind, {
    id: 'https://issuer.example',
    keys,
    knownKeys: 'check',
    audit,
    epoch: undefined,
    now,
    onEvent: event => events.push(event),
    ...o,
  })
  return { issuer, events }
}

test(
  verifies('restore.epoch', 'a lost mark is an alarm, which the audit log keeps, at a server and beside it'),
  async () => {
    const first = await opened('lost.db', { epoch: memoryEpoch() })
    await first.issuer.close()
    expect(first.events).toEqual([])
    const second = await opened('lost.db', { epoch: memoryEpoch() })
    const lost = { type: 'alarm', reason: 'epoch-lost' } as const
    expect(second.events).toEqual([lost])
    const events: IssuerEvent[] = []
    const beside = await openBeside<object, IssuerEvent>(await open('lost.db'), kind, {
      epoch: memoryEpoch(),
      now,
      onEvent: event => events.push(event),
    })
    expect(events).toEqual([lost])
    const log = readAudit({ store: beside.store, room })
    await vi.waitFor(
      async () => {
        const alarms = (await log.list()).events.filter(({ type }) => type === 'alarm')
        expect(alarms.map(({ detail }) => detail)).toEqual([{ reason: 'epoch-lost' }, { reason: 'epoch-lost' }])
      },
      { timeout: 20_000 },
    )
    await beside.close()
    await second.issuer.close()
  },
)

test.each([
  [
    'keys that the database was not used with',
    { keys: [{ kid: 'k2', key: await generateSigningKey() }] },
    /other keys/,
  ],
  ['a log that the options do not name', { audit: undefined }, /has an audit log/],
  ['a rotation with unfit times', { keys: { rotateEvery: 1, before: keys } }, RangeError],
] as const)('%s: the server does not open, and closes its database and its mark', async (name, wrong, error) => {
  const file = `${name.replaceAll(' ', '-')}.db`
  const epoch = memoryEpoch()
  await (await opened(file, { epoch })).issuer.close()
  const database = await open(file)
  const opening = openIssuer<object, IssuerEvent>(database, kind, {
    id: 'https://issuer.example',
    keys,
    knownKeys: 'check',
    audit,
    epoch,
    now,
    onEvent: () => undefined,
    ...wrong,
  })
  await expect(opening).rejects.toThrow(error)
  await expect(database.check()).rejects.toThrow()
})

test(verifies('restore.epoch', 'the last event before a close advances the mark'), async () => {
  const keeper = memoryEpoch()
  let mark: EpochMark | undefined
  const epoch = {
    read: keeper.read,
    async write(next: EpochMark): Promise<void> {
      mark = next
      await keeper.write(next)
    },
  }
  const { issuer } = await opened('touched.db', { epoch, keys: { rotateEvery: 86_400, before: keys } })
  const before = mark
  await issuer.store.write(tx => issuer.report.within(tx, { type: 'key_retired', kid: 'k0' }))
  await issuer.store.write(tx =>
    issuer.report.within(tx, { type: 'key_made', kid: 'k2', published: now(), signs: now() }),
  )
  await issuer.close()
  expect(mark?.epoch).toBeGreaterThan(before?.epoch ?? Number.POSITIVE_INFINITY)
})
