import { hash } from 'node:crypto'
import { AuditError } from '../audit-error.js'
import { canonicalJson } from './canonical-json.js'
import type { KeptEvent, PersonalValue } from './event.js'

/** Bytes of a salt: as many as nobody can guess. */
export const saltBytes = 16

/** A record as it is kept, and the leaf that it gives. */
export interface RecordedLeaf {
  /** The canonical JSON of the event, personal values with their salts. */
  readonly record: string
  /** The entry that is hashed: the same, with each member of `personal` replaced by its commitment. */
  readonly leaf: string
}

/**
 * What stays in the leaf of a personal value: SHA-256 of its salt and its bytes. Without the salt, which is forgotten with the value,
 * trying all users does not find the one that was meant.
 */
export function commitmentOf(salt: Uint8Array, value: string): string {
  return hash('sha256', Buffer.concat([salt, Buffer.from(value)]), 'base64url' as 'hex')
}

/** All members of an event, in their canonical order. */
const members = [
  ...(['agent', 'delegate', 'detail', 'grant', 'id', 'personal'] as const),
  ...(['resource', 'time', 'txn', 'type', 'v'] as const),
]

/** The record and the leaf of an event. They differ in `personal` only: the rest is written once for both. */
export function recordOf(event: KeptEvent): RecordedLeaf {
  let record = ''
  let leaf = ''
  for (const name of members) {
    const value = event[name]
    if (value === undefined) continue
    const start = `${record === '' ? '{' : ','}"${name}":`
    const text = canonicalJson(value, 1)
    record += start + text
    leaf += start + (name === 'personal' ? canonicalJson(mapped(event.personal ?? {}, commitmentIn), 1) : text)
  }
  return { record: `${record}}`, leaf: `${leaf}}` }
}

/** The event without its personal values; its leaf stays the same. */
export function forgottenEvent<E extends KeptEvent>(event: E): E {
  if (event.personal === undefined) return event
  return { ...event, personal: mapped(event.personal, value => ({ sha256: commitmentIn(value) })) }
}

function commitmentIn(value: PersonalValue): string {
  return 'sha256' in value ? value.sha256 : commitmentOf(Buffer.from(value.salt, 'base64url'), value.value)
}

function mapped<R>(
  personal: Readonly<Record<string, PersonalValue>>,
  change: (value: PersonalValue) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(personal).map(([name, value]) => [name, change(value)]))
}

/** The personal values of a record, in the plain form that nearly all have: names without capitals, values without escapes. */
const plainPersonal =
  /"personal":\{((?:"[a-z_]{1,40}":\{(?:"salt":"[A-Za-z0-9_-]{22}","value":"[^"\\]{0,1024}"|"sha256":"[A-Za-z0-9_-]{43}")\}(?:,(?=")|(?=\})))+)\}/
const plainValue = /\{"(?:salt":"([A-Za-z0-9_-]{22})","value":"([^"\\]{0,1024})"|sha256":"([A-Za-z0-9_-]{43})")\}/g

/**
 * The leaf of a record, for comparison with one that was signed. Of most records it is made without parsing: a text that is not
 * canonical gives a leaf that was never signed. Of others by {@link readRecord}.
 * @throws AuditError `malformed`
 */
export function leafOf(record: string): string {
  const first = record.indexOf('"personal":')
  if (first < 0) return record
  const found = plainPersonal.exec(record)
  // A second one may stand in `detail`, and be taken for the event's own.
  if (found?.index !== first || record.includes('"personal":', first + 1)) return readRecord(record).leaf
  const [whole, values = ''] = found
  const committed = values.replace(plainValue, (_, salt: string, value: string, kept: string | undefined) => {
    return `"${kept ?? commitmentOf(Buffer.from(salt, 'base64url'), value)}"`
  })
  return `${record.slice(0, first)}"personal":{${committed}}${record.slice(first + whole.length)}`
}

/**
 * Reads a record that was exported, and the leaf that it gives.
 * @throws AuditError `malformed` for text that is not the canonical record of an event: a member that stands there twice would
 * show one thing and prove another
 */
export function readRecord(text: string): { readonly event: KeptEvent; readonly leaf: string } {
  const event = parsed(text)
  // Members that an event does not have are not in the record, and so refused below.
  for (const value of Object.values(event.personal ?? {})) if (!isPersonal(value)) throw malformed()
  const { record, leaf } = recordOf(event)
  if (record !== text) throw malformed()
  return { event, leaf }
}

function parsed(text: string): KeptEvent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed()
  }
  if (typeof value !== 'object' || value === null) throw malformed()
  const { v, id, type, time, personal } = value as Partial<Record<string, unknown>>
  const isForm = v === 1 && typeof id === 'string' && typeof type === 'string' && Number.isSafeInteger(time)
  const isOpen =
    personal === undefined || (typeof personal === 'object' && personal !== null && !Array.isArray(personal))
  if (!isForm || !isOpen) throw malformed()
  return value as KeptEvent
}

/** 16 bytes, and 32, in base64url. */
const salt = /^[A-Za-z0-9_-]{22}$/
const commitment = /^[A-Za-z0-9_-]{43}$/

function isPersonal(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false
  const members = given as Partial<Record<string, unknown>>
  const count = Object.keys(members).length
  if (count === 1) return typeof members['sha256'] === 'string' && commitment.test(members['sha256'])
  return (
    count === 2 &&
    typeof members['salt'] === 'string' &&
    salt.test(members['salt']) &&
    typeof members['value'] === 'string'
  )
}

function malformed(): AuditError {
  return new AuditError('malformed', 'this is not a record of an audit log')
}
