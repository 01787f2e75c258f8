import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuditEvent,
  type AuditLog,
  auditMigration,
  checkpointSigner,
  createAuditLog,
  verifyAudit,
} from '@countersign/audit'
import { generateSigningKey } from '@countersign/httpsig'
import { openStore, prepared, type Store } from '@countersign/store'
import { bareOperations } from './bare-operations.js'
import { median, type Sample, sample } from './measure.js'
import { type Bench, type Result, result } from './result.js'

const inFlight = 16
const operations = 4096
/** Rounds that are not counted: a server runs for long, and its code is compiled then. */
const warmUp = 10
const rounds = 15
/** Events of the log that is verified. */
const many = 200_000

interface Tables {
  changes: { n: number; text: string }
}

interface Place {
  readonly store: Store<Tables>
  readonly audit: AuditLog
  readonly publicKey: string
}

async function openPlace(folder: string): Promise<Place> {
  const store = await openStore<Tables>({
    url: `sqlite:${join(folder, 'bench.db')}`,
    room: 'bench',
    migrations: [
      auditMigration('001-audit', 'bench'),
      {
        name: '002-changes',
        up: db => db.schema.createTable('changes').addColumn('n', 'integer').addColumn('text', 'text').execute(),
      },
    ],
  })
  const signer = checkpointSigner({ origin: 'auth.example', key: await generateSigningKey() })
  return {
    store,
    audit: createAuditLog({ store, room: 'bench', signer, every: 'manual', onFault: fail }),
    publicKey: signer.publicKey,
  }
}

function fail(error: unknown): never {
  throw error
}

function eventOf(n: number): AuditEvent {
  return {
    type: 'granted',
    agent: `https://agent-${n % 500}.example`,
    delegate: `delegate-${n % 5000}`,
    resource: `https://resource-${n % 50}.example`,
    user: `user-${n % 1000}`,
    txn: `txn-${n}`,
    grant: `grant-${n}`,
    detail: { by: 'policy', jti: `jti-${n}`, scope: ['events.read', 'events.write'] },
  }
}

const insert = prepared<Tables, Tables['changes']>((on, { n, text }) => on.insertInto('changes').values({ n, text }))

/** CPU that the log adds to a change, its sequencing and checkpoints included. */
async function appending({ store, audit }: Place): Promise<Result[]> {
  let next = 0
  const change = (n: number): Promise<unknown> => store.write(tx => insert(tx, { n, text: `change ${n}` }))
  const logged = (n: number): Promise<unknown> =>
    store.write(async tx => {
      await insert(tx, { n, text: `change ${n}` })
      await audit.append(tx, [eventOf(next++)])
    })
  const run = (id: string, work: (n: number) => Promise<unknown>): Promise<Sample> =>
    sample({ id, run: work }, 0, { inFlight, operations })
  const added: { append: number; sequence: number }[] = []
  for (let round = -warmUp; round < rounds; round++) {
    const bare = await bareOperations()
    const plain = await run('change', change)
    const withLog = await run('change and event', logged)
    const places = await sample({ id: 'places', run: () => audit.sequence() }, 0, { inFlight: 1, operations: 1 })
    if (round < 0) continue
    added.push({
      append: (withLog.cpu - plain.cpu) / bare.verify,
      sequence: places.cpu / operations / bare.verify,
    })
  }
  const row = (id: string, cost: (each: { append: number; sequence: number }) => number, budget?: number): Result =>
    result({
      id,
      inFlight,
      ratio: median(added.map(cost)),
      detail: '× one bare verify, an event',
      ...(budget !== undefined && { budget }),
    })
  return [
    row('append', each => each.append),
    row('places, hashes, filters and checkpoint, once a second', each => each.sequence),
    row('both', each => each.append + each.sequence, 0.15),
  ]
}

/** CPU to verify an export, the median of five runs. */
async function verifying({ store, audit, publicKey }: Place, folder: string): Promise<Result> {
  for (let n = 0; n < many; n += 1000) {
    const events = Array.from({ length: 1000 }, (_, at) => eventOf(n + at))
    await store.write(tx => audit.append(tx, events))
    if (n % 10_000 === 0) await audit.sequence()
  }
  await audit.sequence()
  const place = join(folder, 'export')
  const { events } = await audit.export(place, { personal: 'with' })
  const ratios: number[] = []
  const times: number[] = []
  for (let run = 0; run < 5; run++) {
    const { verify } = await bareOperations()
    const verified = await sample({ id: 'verify', run: () => wholeExport(place, publicKey) }, 0, {
      inFlight: 1,
      operations: 1,
    })
    ratios.push(verified.cpu / events / verify)
    times.push(verified.wall / events)
  }
  return result({
    id: 'verify an export',
    inFlight: 1,
    ratio: median(ratios),
    budget: 0.08,
    detail: `× one bare verify, an event; ${Math.round(1e6 / Math.min(...times))} events a second`,
  })
}

async function wholeExport(folder: string, publicKey: string): Promise<void> {
  const { ok } = await verifyAudit({ folder, publicKeys: [publicKey] })
  if (!ok) throw new Error('the export does not verify')
}

/** The audit log: what it adds to a change, and how fast an export is verified. */
export const audit: Bench = {
  name: 'audit',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
    try {
      const place = await openPlace(folder)
      const rows = [...(await appending(place)), await verifying(place, folder)]
      await place.audit.close()
      await place.store.close()
      return rows
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
