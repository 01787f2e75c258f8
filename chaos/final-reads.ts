import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditedEvent, FinalReads } from './check/evidence.js'
import { refreshGrant, useGrant } from './clients/refresh.js'
import type { Client, HeldGrant } from './clients/world.js'
import { type Rig, run } from './rig/rig.js'

/** At once, after the run. */
const lanes = 6

/** Refreshes all that was acknowledged, and uses all that was ended. */
export async function lastLook(clients: readonly Client[]): Promise<void> {
  const all = clients.flatMap(client => [
    ...[...client.held, ...client.former.filter(({ ended }) => !ended)].map(held => ({ client, held, isEnded: false })),
    ...client.ended.map(held => ({ client, held, isEnded: true })),
  ])
  const work = async (): Promise<void> => {
    for (let next = all.pop(); next !== undefined; next = all.pop()) await look(next)
  }
  await Promise.all(Array.from({ length: lanes }, work))
}

async function look({ client, held, isEnded }: { client: Client; held: HeldGrant; isEnded: boolean }): Promise<void> {
  if (isEnded) await useGrant(client, held)
  // Its delegate cannot sign any more: that the grant is there is read from the database.
  if (held.delegate.expires < Date.now()) return
  for (let tries = 0; tries < 3; tries++) {
    const outcome = await refreshGrant(client, held, { flow: 'final', final: true })
    if (outcome === 'ok' || outcome === 'refused') return
    await sleep(1000)
  }
}

/** Reads what the servers have kept. */
export async function finalReads(rig: Rig): Promise<FinalReads> {
  const rows = await rig.postgres.primary.query('select refresh_hash, purpose, id from auth_server_grants')
  const grants = rows.map(({ refresh_hash, purpose, id }) => ({
    refresh: String(refresh_hash),
    tag: purpose === null ? null : String(purpose),
    grant: String(id),
  }))
  const { auth, partner } = rig.addresses
  const keys = new Set((await Promise.all([auth, partner].map(publishedKeys))).flat())
  return { grants, keys, audit: await readAudit(rig) }
}

async function publishedKeys(issuer: string): Promise<string[]> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { readonly keys: ReadonlyArray<{ readonly kid: string }> }
  return keys.map(({ kid }) => `${issuer} ${kid}`)
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

async function readAudit(rig: Rig): Promise<FinalReads['audit']> {
  // Events wait a second for their place in the log.
  await sleep(3000)
  const folder = join(rig.folder, `audit-${Date.now()}`)
  try {
    await rig.operate(['audit', 'export', '--to', folder, '--personal', 'with'])
    const file = join(rig.folder, 'keys', 'audit.json')
    const key = await run(['audit', 'key', file, '--id', rig.addresses.auth, '--development'])
    const report = await run(['audit', 'verify', folder, '--key', key.trim()])
    return { verified: true, report, events: eventsOf(folder) }
  } catch (error) {
    const { stdout, stderr } = Object(error) as { readonly stdout?: unknown; readonly stderr?: unknown }
    return { verified: false, report: `${stdout ?? ''}${stderr ?? error}`, events: eventsOf(folder) }
  }
}

function eventsOf(folder: string): AuditedEvent[] {
  const file = join(folder, 'events.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
  return lines.map(line => {
    const event: unknown = JSON.parse(line)
    const { type, grant, detail } = Object(Object(event).event ?? event)
    return { type: String(type), grant: textOf(grant), token: textOf(Object(detail).jti) }
  })
}
