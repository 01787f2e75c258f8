import type { KeptEvent } from '@countersign/audit'

/** Names that say something of the event itself where it is shown, whether this event has them or not. */
const own: ReadonlySet<string> = new Set([
  'event',
  'id',
  'place',
  'index',
  'time',
  'type',
  'agent',
  'delegate',
  'user',
  'resource',
  'txn',
  'grant',
])

/**
 * The members of an event in one level: its own, then what it says of persons (`(forgotten)` where that is all that stays), then its
 * details. A detail or personal value that has the name of a member before it is shown as `detail.NAME` or `personal.NAME`: it must
 * not be taken for what the server has verified (forgery by name).
 */
export function shownMembers({ personal = {}, detail = {}, ...event }: Partial<KeptEvent>): Record<string, unknown> {
  const { agent, delegate, resource, txn, grant } = event
  const facts = Object.entries({ agent, delegate, resource, txn, grant }).filter(([, value]) => value !== undefined)
  const members = new Map<string, unknown>(facts)
  const add = (name: string, value: unknown, from: string): void => {
    let free = name
    while (members.has(free) || own.has(free)) free = `${from}.${free}`
    members.set(free, value)
  }
  for (const [name, value] of Object.entries(personal)) {
    const text = 'value' in value ? value.value : '(forgotten)'
    if (name === 'user') members.set(name, text)
    else add(name, text, 'personal')
  }
  for (const [name, value] of Object.entries(detail)) add(name, value, 'detail')
  return Object.fromEntries(members)
}
