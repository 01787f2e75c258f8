import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { openStore, type Store } from '@countersign/store'
import { folderOfTest } from '@countersign/testing/folders'
import {
  type AuditEvent,
  type AuditLog,
  type AuditLogOptions,
  auditMigration,
  checkpointSigner,
  createAuditLog,
} from './index.js'

/** Seconds at which the tests begin. */
export const start = 1_800_000_000

/** A log in a database, which is sequenced only when the test says so. */
export interface TestLog {
  readonly store: Store<never>
  readonly audit: AuditLog
  readonly publicKey: string
  append(...events: AuditEvent[]): Promise<readonly string[]>
  close(): Promise<void>
}

export const key: SigningKey = await generateSigningKey()
export const otherKey: SigningKey = await generateSigningKey()

/** Opens a log. A second one on the same URL is another instance. */
export async function openLog(
  url: string,
  options: Partial<AuditLogOptions<never>> & { readonly with?: SigningKey } = {},
): Promise<TestLog> {
  const { with: used = key, ...rest } = options
  const store = await openStore<never>({ url, room: 'test', migrations: [auditMigration('001-audit', 'test')] })
  const signer = checkpointSigner({ origin: 'auth.example', key: used })
  // A log that is closed after a fault has no one to tell.
  const onFault = (): void => undefined
  const audit = createAuditLog<never>({
    store,
    room: 'test',
    signer,
    every: 'manual',
    onFault,
    now: () => start,
    ...rest,
  })
  return {
    store,
    audit,
    publicKey: signer.publicKey,
    append: (...events) => store.write(tx => audit.append(tx, events)),
    async close() {
      await audit.close()
      await store.close()
    },
  }
}

/** An event as an auth server would log it. */
export function granted(n: number): AuditEvent {
  return {
    type: 'granted',
    agent: `https://agent-${n % 7}.example`,
    resource: 'https://calendar.example',
    txn: `txn-${n}`,
    user: `user-${n % 5}`,
    detail: { scope: ['events.read'], by: 'policy' },
  }
}

/** Appends so many events, some at once, and sequences them a few times. */
export async function fill({ append, audit }: TestLog, count: number, steps = 3): Promise<void> {
  const each = Math.ceil(count / steps)
  for (let from = 0; from < count; from += each) {
    const events = Array.from({ length: Math.min(each, count - from) }, (_, n) => granted(from + n))
    for (let at = 0; at < events.length; at += 16) await append(...events.slice(at, at + 16))
    await audit.sequence()
  }
}

/** An export that a test may change. */
export interface ExportedFolder {
  readonly folder: string
  lines(): string[]
  setLines(change: (lines: string[]) => readonly string[]): void
  read(file: string): Buffer
  write(file: string, content: string | Uint8Array): void
}

export function folderAt(folder: string): ExportedFolder {
  const events = join(folder, 'events.jsonl')
  const lines = (): string[] => readFileSync(events, 'utf8').trimEnd().split('\n')
  return {
    folder,
    lines,
    setLines: change => writeFileSync(events, `${change(lines()).join('\n')}\n`),
    read: file => readFileSync(join(folder, file)),
    write: (file, content) => writeFileSync(join(folder, file), content),
  }
}

/** Exports a log into a new folder. */
export async function exported({ audit }: TestLog, personal: 'with' | 'without' = 'with'): Promise<ExportedFolder> {
  const folder = join(folderOfTest(), 'export')
  await audit.export(folder, { personal })
  return folderAt(folder)
}
