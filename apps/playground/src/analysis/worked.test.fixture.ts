import { readFileSync } from 'node:fs'
import type { Party, PartyId, ShownMessage } from '../explorer/contract.js'
import type { Known } from './known.js'

/** A message of docs/worked-messages.json. */
interface WorkedMessage {
  readonly name: string
  readonly time: number
  readonly request: {
    readonly method: string
    readonly target: string
    readonly headers: ReadonlyArray<readonly [string, string]>
    readonly body?: string
  }
  readonly signature: { readonly base: string }
  readonly response: {
    readonly status: number
    readonly headers: ReadonlyArray<readonly [string, string]>
    readonly body?: string
  }
}

interface Worked {
  readonly documents: Readonly<Record<string, unknown>>
  readonly tokens: ReadonlyArray<{
    readonly first: string
    readonly jwt: string
    readonly header: { readonly typ: string }
  }>
  readonly messages: readonly WorkedMessage[]
  readonly refused: ReadonlyArray<
    Pick<WorkedMessage, 'request' | 'time'> & { readonly of: string; readonly change: string }
  >
}

/** The vectors of docs/worked-messages.json. */
export const worked: Worked = JSON.parse(
  readFileSync(new URL('../../../../docs/worked-messages.json', import.meta.url), 'utf8'),
)

const hosts: Readonly<Record<string, PartyId>> = {
  'agent.example': 'agent-server',
  'auth.example': 'auth-server',
  'auth.rooms.example': 'rooms-auth-server',
  'calendar.example': 'calendar',
  'rooms.example': 'rooms',
  'shop.example': 'desks',
}

const parties = Object.entries(hosts).map(
  ([host, id]): Party => ({ id, name: host, role: 'other', about: '', url: `https://${host}`, documents: [] }),
)

/** What the participants of the vectors publish. */
export const known: Known = {
  parties,
  documents: Object.fromEntries(Object.entries(worked.documents).map(([url, document]) => [url, [document]])),
}

/** A message of the vectors by its name. */
export function workedMessage(name: string): WorkedMessage {
  const found = worked.messages.find(message => message.name === name)
  if (found === undefined) throw new Error(`there is no worked message ${name}`)
  return found
}

/** A worked message as the page shows it. */
export function shown({ time, request, response }: Omit<WorkedMessage, 'signature' | 'name'>): ShownMessage {
  const { method, target, headers, body = '' } = request
  const host = headers.find(([name]) => name === 'host')?.[1] ?? ''
  return {
    id: 1,
    at: time,
    from: 'agent',
    to: hosts[host] ?? 'elsewhere',
    sentence: '',
    kind: 'call',
    request: { method, target, headers, body },
    response: { status: response.status, headers: response.headers, body: response.body ?? '' },
  }
}

/** A worked request as text. */
export function rawRequest({ request }: Pick<WorkedMessage, 'request'>, end = '\n'): string {
  const { method, target, headers, body = '' } = request
  return [`${method} ${target} HTTP/1.1`, ...headers.map(line => line.join(': ')), '', body].join(end)
}

/** The keys that every participant of the vectors publishes, as one set. */
export const keys: string = JSON.stringify({
  keys: Object.entries(worked.documents)
    .filter(([url]) => url.endsWith('/jwks.json'))
    .flatMap(([, document]) => (document as { readonly keys: readonly unknown[] }).keys),
})
