import { AuditError } from '../audit-error.js'

/** The deepest that arrays and objects may stand in one another. */
const maxDepth = 16

/**
 * JSON in one spelling: members in the order of their names' UTF-16 units, no spaces, numbers and strings as JavaScript writes them.
 * @throws AuditError `malformed` for what is too deep, or no JSON
 * @see RFC 8785
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value !== 'object' || depth >= maxDepth)
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
