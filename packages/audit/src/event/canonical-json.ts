import { AuditError } from '../audit-error.js'

/** The deepest that arrays and objects may stand in one another. */
const maxDepth = 16

/**
 * JSON in one spelling: members in the order of their names' UTF-16 units, no spaces, numbers and strings as JavaScript writes them.
 * @throws AuditError `malformed` for what is too deep, or no JSON
 * @see RFC 8785
 */
export function canonicalJson(value: unknown, depth = 0): string {
  return isInOrder(value, depth) ? JSON.stringify(value) : orderedJson(value, depth)
}

/** Whether JavaScript would write a value in that spelling by itself, in a quarter of the time. */
function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || value === null || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth >= maxDepth) return false
  if (Array.isArray(value)) return value.every(each => isInOrder(each, depth + 1))
  const members = value as Readonly<Record<string, unknown>>
  if (hasToJson(members)) return false
  let last: string | undefined
  for (const name of Object.keys(members)) {
    const member = members[name]
    // Both leave it out.
    if (member === undefined) continue
    if ((last !== undefined && name <= last) || !isInOrder(member, depth + 1)) return false
    last = name
  }
  return true
}

/** Whether an object would write something else than its members. */
const hasToJson = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function'

function orderedJson(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value !== 'object' || depth >= maxDepth || hasToJson(value))
    throw new AuditError('malformed', 'an event is no JSON, or too deep')
  if (Array.isArray(value)) return `[${value.map(each => canonicalJson(each, depth + 1)).join(',')}]`
  const members = value as Readonly<Record<string, unknown>>
  const names = Object.keys(members).filter(name => members[name] !== undefined)
  names.sort((one, other) => (one < other ? -1 : 1))
  let text = '{'
  for (const name of names) {
    if (text.length > 1) text += ','
    text += `${JSON.stringify(name)}:${canonicalJson(members[name], depth + 1)}`
  }
  return `${text}}`
}
