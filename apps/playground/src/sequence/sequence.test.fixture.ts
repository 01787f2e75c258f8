import type { Party, ShownMessage } from '../explorer/contract.js'

/** Two parties of a small sequence. */
export const parties: readonly Party[] = [
  { id: 'agent', name: 'Agent', role: 'agent', about: '', documents: [] },
  { id: 'calendar', name: 'Calendar', role: 'resource', about: '', url: 'http://localhost:4130', documents: [] },
]

/** A message from the agent to the calendar. */
export function message(id: number, change: Partial<ShownMessage> = {}): ShownMessage {
  return {
    id,
    at: 1_800_000_000 + id,
    from: 'agent',
    to: 'calendar',
    kind: 'call',
    sentence: `Step ${id}.`,
    request: { method: 'GET', target: '/agenda', headers: [['host', 'localhost:4130']], body: '' },
    response: { status: 200, headers: [['content-type', 'application/json']], body: '{}' },
    ...change,
  }
}
