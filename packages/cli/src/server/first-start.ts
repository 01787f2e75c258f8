import { existsSync } from 'node:fs'
import { requireIdentifier, UsageError } from '@countersign/fetch'
import type { Logger } from '@countersign/server'
import { isNewDatabase } from '@countersign/store'
import { z } from 'zod'
import { reaching } from './away.js'

/** Options about a server's first start. */
export const firstStartOptions = {
  init: z
    .boolean()
    .default(false)
    .describe('the first start of a new server: make what is missing; refused where there is a server already'),
  replaceKeys: z
    .boolean()
    .default(false)
    .describe('the keys of before are lost or stolen: take those of the file, or make new ones, for the same database'),
}

/** The values of {@link firstStartOptions}, and what decides whether they are needed. */
export interface FirstStartSettings {
  readonly id: string
  readonly development: boolean
  readonly init?: boolean | undefined
  readonly replaceKeys?: boolean | undefined
}

/** What a server's identity is made of. */
export interface Belongings {
  /** Its file of signing keys, where it has one. */
  readonly keys?: string
  /** Its database, where it has one. */
  readonly database?: { readonly url: string; readonly room: string }
}

/** Whether each of them is there; `none` for what a server does without. */
export interface Found {
  readonly keys: 'there' | 'missing' | 'none'
  readonly database: 'there' | 'missing' | 'none'
}

/** What may be done: go on as before, make a new identity, or make new keys for an old one. */
export type Start = 'again' | 'first' | 'new keys'

/**
 * Decides whether a server may start with what was found. A server that has lost its keys or its database must not invent others: it
 * would be ready, and refuse every token, code and delegate of before.
 * @returns `refused` with what the operator must know, in place of a start
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
 * Looks whether a server's keys and database are there, and says in the log when others will be made.
 * @throws UsageError that names what is missing, or what is wrong with the identifier
 */
export async function checkFirstStart(
  settings: FirstStartSettings,
  belongings: Belongings,
  log: Pick<Logger, 'warn'>,
): Promise<Start> {
  // Before anything is looked for or made under a wrong name.
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
      'first start: a new server is made',
    )
  if (start === 'new keys')
    log.warn({ event: 'new_keys', id, keys: keysPlace }, 'new keys are made: tokens of before are refused')
  return start
}

async function databaseFound(database: NonNullable<Belongings['database']>): Promise<Found['database']> {
  // Whoever names a database in memory wants a new one each time.
  if (database.url === 'sqlite::memory:') return 'none'
  return (await reaching('--database', database.url, isNewDatabase(database))) ? 'missing' : 'there'
}

type Places = { readonly [K in keyof Belongings]: string }

/** As they may be shown: the URL of a PostgreSQL server may hold a password. */
function placesOf({ keys, database }: Belongings): Places {
  return {
    ...(keys === undefined ? {} : { keys }),
    ...(database === undefined
      ? {}
      : { database: database.url.startsWith('sqlite:') ? database.url.slice('sqlite:'.length) : 'in PostgreSQL' }),
  }
}

const runbook = 'docs/operations.md says how to restore'

const refusals = {
  'already there': (id: string, { keys, database }: Places): string =>
    `${id} is there already (${database ?? keys}): leave out --init`,
  'nothing there': (id: string, { keys, database }: Places): string =>
    `nothing is there of ${id}: ${[keys && `no keys ${keys}`, database && `no database ${database}`].filter(Boolean).join(', ')}. If it is new, start it once with --init. If it is not, a volume may not be mounted: ${runbook}`,
  'no keys': (id: string, { keys, database }: Places): string =>
    `the keys of ${id} are missing: its database is there (${database}), but no ${keys}. A volume may not be mounted; ${runbook}. If the keys are lost, --replace-keys makes new ones: tokens of before are refused then`,
  'no database': (id: string, { keys, database }: Places): string =>
    `the database of ${id} is missing: its keys are there (${keys}), but no database ${database}. A volume may not be mounted; ${runbook}. If these are the keys of a new server, start it once with --init`,
}
