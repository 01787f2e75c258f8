import { hash } from 'node:crypto'
import { AuditError } from '../audit-error.js'
import { canonicalJson } from './canonical-json.js'
import type { KeptEvent, PersonalValue } from './event.js'

/** Bytes of a salt: as many as nobody can guess. */
export const saltBytes = 16

/**
 * What stays in the leaf of a personal value: SHA-256 of its salt and its bytes. Without the salt, which is forgotten with the value,
 * trying all users does not find the one that was meant.
 */
function commitmentOf(salt: string, value: string): string {
  const bytes = Buffer.allocUnsafe(saltBytes + Buffer.byteLength(value))
  // A salt of another length would leave bytes of other memory in the hash.
  if (bytes.write(salt, 0, saltBytes, 'base64url') !== saltBytes) throw malformed()
  bytes.write(value, saltBytes)
  return hash('sha256', bytes, 'base64url' as 'hex')
}

/** The record of an event: its canonical JSON, personal values with their salts. */
export function recordOf(event: KeptEvent): string {
  const { agent, delegate, detail, grant, id, personal, resource, time, txn, type, v } = event
  return canonicalJson({ agent, delegate, detail, grant, id, personal, resource, time, txn, type, v })
}

/** The entry that is hashed: the record, with each member of `personal` replaced by its commitment. */
function leafFor(event: KeptEvent): string {
  const { personal } = event
  if (personal === undefined) return recordOf(event)
  return recordOf({ ...event, personal: mapped(personal, commitmentIn) as never })
}

/** The event without its personal values; its leaf stays the same. */
export function forgottenEvent<E extends KeptEvent>(event: E): E {
  if (event.personal === undefined) return event
  return { ...event, personal: mapped(event.personal, value => ({ sha256: commitmentIn(value) })) }
}

function commitmentIn(value: PersonalValue): string {
  return 'sha256' in value ? value.sha256 : commitmentOf(value.salt, value.value)
}

function mapped<R>(
  personal: Readonly<Record<string, PersonalValue>>,
  change: (value: PersonalValue) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(personal).map(([name, value]) => [name, change(value)]))
}

/**
 * The record of an event, and its leaf. Of most events they are put together from their texts, in a third of the time that JSON takes.
 * @throws AuditError `malformed` for an event that is no JSON, or too deep
 */
export function recordAndLeaf(event: KeptEvent): { readonly record: string; readonly leaf: string } {
  const { agent = '', delegate = '', grant = '', id, resource = '', txn = '', type, personal = {} } = event
  let texts = agent + delegate + grant + id + resource + txn + type
  let [own, committed] = ['', '']
  for (const name of Object.keys(personal).toSorted((one, other) => (one < other ? -1 : 1))) {
    const value = personal[name]
    if (value === undefined || 'sha256' in value) return slowly(event)
    texts += name + value.value
    own += `,"${name}":{"salt":"${value.salt}","value":"${value.value}"}`
    committed += `,"${name}":"${commitmentOf(value.salt, value.value)}"`
  }
  if (!plainText.test(texts)) return slowly(event)
  const detail = event.detail === undefined ? '' : `"detail":${canonicalJson(event.detail, 1)},`
  const before = `{${member('agent', event.agent)}${member('delegate', event.delegate)}${detail}${member('grant', event.grant)}"id":"${id}",`
  const after = `${member('resource', event.resource)}"time":${event.time},${member('txn', event.txn)}"type":"${type}","v":1}`
  if (event.personal === undefined) return { record: before + after, leaf: before + after }
  return {
    record: `${before}"personal":{${own.slice(1)}},${after}`,
    leaf: `${before}"personal":{${committed.slice(1)}},${after}`,
  }
}

/** The leaf of the record, and not of the event: what an event says must not depend on when it is read. */
function slowly(event: KeptEvent): { readonly record: string; readonly leaf: string } {
  const record = recordOf(event)
  return { record, leaf: leafOf(record) }
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `"${name}":"${value}",`
}

/** A text that JSON writes as it is, without surrogates. */
const plainText = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

const personalStart = '"personal":{'
/** One personal value of a record, in the plain form that nearly all have: a name without capitals, a value without escapes and without what must be escaped. */
const plainValue =
  /"[a-z_]{1,40}":\{"(?:salt":"([A-Za-z0-9_-]{21}[AQgw])","value":"([ !#-[\]-\uffff]{0,1024})"|sha256":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])")\}/y

/**
 * The leaf of a record, for comparison with one that was signed. Of most records it is made without parsing: a text that is not
 * canonical gives a leaf that was never signed. Of others by {@link readRecord}.
 * @throws AuditError `malformed`
 */
export function leafOf(record: string): string {
  const first = record.indexOf(personalStart)
  if (first < 0) return record
  let leaf = record.slice(0, first + personalStart.length)
  for (let at = leaf.length; ; at++) {
    plainValue.lastIndex = at
    const [whole, salt = '', value = '', kept] = plainValue.exec(record) ?? []
    if (whole === undefined) return readRecord(record).leaf
    leaf += `${whole.slice(0, whole.indexOf('{'))}"${kept ?? commitmentOf(salt, value)}"`
    at += whole.length
    if (record[at] === '}') {
      const rest = record.slice(at + 1)
      // Another end than that of the record: what was found may be in `detail`, and be taken for the event's own.
      return rest.indexOf('}') === rest.length - 1 ? `${leaf}}${rest}` : readRecord(record).leaf
    }
    if (record[at] !== ',') return readRecord(record).leaf
    leaf += ','
  }
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
  if (recordOf(event) !== text) throw malformed()
  return { event, leaf: leafFor(event) }
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

/** 16 bytes, and 32, in the one spelling of base64url: another one would be another record with the same leaf. */
const salt = /^[A-Za-z0-9_-]{21}[AQgw]$/
const commitment = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

function isPersonal(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false
  const members = given as Partial<Record<string, unknown>>
  const count = Object.keys(members).length
  if (count === 1) return typeof members['sha256'] === 'string' && commitment.test(members['sha256'])
  return (
    count === 2 &&
    typeof members['salt'] === 'string' &&
    salt.test(members['salt']) &&
    typeof members['value'] === 'string' &&
    // Half of a surrogate pair has no bytes of its own: it would give the leaf of another value.
    !/\p{Surrogate}/u.test(members['value'])
  )
}

function malformed(): AuditError {
  return new AuditError('malformed', 'this is not a record of an audit log')
}
