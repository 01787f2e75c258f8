import { existsSync } from 'node:fs'
import { requireIdentifier, UsageError } from '@countersign/fetch/internal'
import type { Logger } from '@countersign/server'
import { isNewDatabase } from '@countersign/store/internal'
import { defined } from '../flags/defined.js'
import { switchWithoutVariable } from '../flags/option-schema.js'
import { reaching } from './away.js'

/** The options for the first start of a server. */
export const firstStartOptions = {
  init: switchWithoutVariable('the first start of a new server: create its keys and database; refused when it exists'),
  replaceKeys: switchWithoutVariable(
    'the old keys are lost or stolen: use those of the key file, or create new ones, with the same database',
  ),
}

/** The settings that decide about a first start. */
export interface FirstStartSettings {
  readonly id: string
  readonly development: boolean
  readonly init?: boolean | undefined
  readonly replaceKeys?: boolean | undefined
}

/** The places of a server's identity. */
export interface Belongings {
  /** The file of signing keys; absent for a server without one. */
  readonly keys?: string
  /** Absent for a server without a database. */
  readonly database?: { readonly url: string; readonly room: string }
}

/** Whether keys and database exist; `none` when the server needs none. */
export interface Found {
  readonly keys: 'there' | 'missing' | 'none'
  readonly database: 'there' | 'missing' | 'none'
}

/** The kind of start: continue as before, create a new identity, or create new keys for an old database. */
export type Start = 'again' | 'first' | 'new keys'

/**
 * Decides how a server may start. A server that has lost its keys or its database must not create new ones: it would run, but refuse
 * all earlier tokens, codes and delegates.
 * @returns `refused`, and why, when the operator must act first
 */
export function decideStart(
  found: Found,
  { development, init = false, replaceKeys = false }: Omit<FirstStartSettings, 'id'>,
): Start | { readonly refused: 'already there' | 'nothing there' | 'no keys' | 'no database' } {
  const isThere = found.database === 'there' || (found.database === 'none' && found.keys === 'there')
  if (init) return isThere ? { refused: 'already there' } : 'first'
  if (isThere) return found.keys !== 'missing' ? 'again' : replaceKeys ? 'new keys' : { refused: 'no keys' }
  if (found.keys === 'there') return { refused: 'no database' }
  return development ? 'first' : { refused: 'nothing there' }
}

/**
 * Checks whether a server's keys and database exist, and logs when new ones will be created.
 * @throws UsageError that names what is missing, or what is wrong with the identifier
 */
export async function checkFirstStart(
  settings: FirstStartSettings,
  belongings: Belongings,
  log: Pick<Logger, 'warn'>,
): Promise<Start> {
  // Checked first: nothing may be looked for or created under a wrong name.
  requireIdentifier(settings.id, '--id', settings.development)
  const { keys, database } = belongings
  const found: Found = {
    keys: keys === undefined ? 'none' : existsSync(keys) ? 'there' : 'missing',
    database: database === undefined ? 'none' : await databaseFound(database),
  }
  const start = decideStart(found, settings)
  if (typeof start === 'object') throw new UsageError(refusals[start.refused](settings.id, placesOf(belongings)))
  const { id } = settings
  const { keys: keysPlace, database: databasePlace } = placesOf(belongings)
  if (start === 'first')
    log.warn(
      { event: 'first_start', id, keys: keysPlace, database: databasePlace },
      'first start: a new server is created',
    )
  if (start === 'new keys')
    log.warn({ event: 'new_keys', id, keys: keysPlace }, 'new keys are created: earlier tokens will be refused')
  return start
}

async function databaseFound(database: NonNullable<Belongings['database']>): Promise<Found['database']> {
  // A database in memory is new at each start.
  if (database.url === 'sqlite::memory:') return 'none'
  return (await reaching('--database', database.url, isNewDatabase(database))) ? 'missing' : 'there'
}

type Places = { readonly [K in keyof Belongings]: string }

/** The places for messages, without the URL of a PostgreSQL server, which may have a password. */
function placesOf({ keys, database }: Belongings): Places {
  const place = database?.url.startsWith('sqlite:') ? database.url.slice('sqlite:'.length) : 'in PostgreSQL'
  return defined({ keys, database: database === undefined ? undefined : place })
}

const runbook = 'docs/operations.md says how to restore'

const refusals = {
  'already there': (id: string, { keys, database }: Places): string =>
    `${id} exists already (${database ?? keys}): leave out --init`,
  'nothing there': (id: string, { keys, database }: Places): string =>
    `${id} does not exist: ${[keys && `no keys ${keys}`, database && `no database ${database}`].filter(Boolean).join(', ')}. If it is a new server, start it once with --init. If not, a volume may not be mounted: ${runbook}`,
  'no keys': (id: string, { keys, database }: Places): string =>
    `the keys of ${id} are missing: its database exists (${database}), but not ${keys}. A volume may not be mounted; ${runbook}. If the keys are lost, --replace-keys creates new ones: earlier tokens are refused then`,
  'no database': (id: string, { keys, database }: Places): string =>
    `the database of ${id} is missing: its keys exist (${keys}), but no database ${database}. A volume may not be mounted; ${runbook}. If these are the keys of a new server, start it once with --init`,
}
