import type { ReceivedMessage } from '@countersign/httpsig'
import { gatherBytes } from '@countersign/httpsig/internal'
import type { Relayed } from './participant.js'

/** One request and its response as they were on the wire, for a development tool that shows them. */
export interface TracedExchange {
  /** When the request arrived, Unix seconds. */
  readonly at: number
  /** Identifier of the receiver. */
  readonly to: string
  /** Name of the receiver, e.g. `auth-server`. */
  readonly name: string
  /** The port at the other end of the connection: on one machine it tells which process sent the request. */
  readonly peerPort?: number | undefined
  readonly request: {
    readonly method: string
    readonly target: string
    readonly headers: ReadonlyArray<[string, string]>
    readonly body: string
  }
  readonly response: {
    readonly status: number
    readonly headers: ReadonlyArray<[string, string]>
    /** At most 64 KiB; ends in `[stream]` when an event stream had not ended yet. */
    readonly body: string
  }
}

const bodyLimit = 64 * 1024

/** Collects the beginning of a body without delaying it. */
export interface TracedBody {
  add(chunk: Uint8Array): void
  text(): string
}

/** Collects up to 64 KiB of a body, as text with its secrets shortened. */
export function tracedBody(): TracedBody {
  return collected(shortenSecrets)
}

/** Collects up to 64 KiB of an event stream, as text with its secrets shortened. */
export function tracedEvents(): TracedBody {
  return collected(shortenEvents)
}

function collected(shorten: (text: string) => string): TracedBody {
  const body = gatherBytes(bodyLimit)
  let length = 0
  let cut = false
  return {
    add(chunk) {
      const room = bodyLimit - length
      cut ||= chunk.length > room
      if (room <= 0) return
      const part = chunk.subarray(0, room)
      if (!body.add(part)) cut = true
      length += part.length
    },
    text: () => shorten(Buffer.from(body.bytes()).toString('utf8')) + (cut ? '[cut]' : ''),
  }
}

/** Whether a response is an event stream, which may never end by itself. */
export function isStream(response: Response | Relayed): boolean {
  return /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
}

/** What was observed of an exchange. */
export interface ObservedExchange {
  /** When the request arrived, in Unix seconds. */
  readonly at: number
  readonly message: ReceivedMessage
  readonly peerPort: number | undefined
  readonly response: Response | Relayed
  /** What was kept of the response's body. */
  readonly responseBody: string
}

/** Makes the record of an exchange. */
export function tracedExchange(
  receiver: { readonly id: string; readonly name: string },
  { at, message, peerPort, response, responseBody }: ObservedExchange,
): TracedExchange {
  const body = tracedBody()
  if (message.body !== undefined) body.add(message.body)
  return {
    at,
    to: receiver.id,
    name: receiver.name,
    ...(peerPort === undefined ? {} : { peerPort }),
    request: {
      method: message.method,
      target: message.target,
      headers: message.headers.map(([name, value]) => [name, value]),
      body: body.text(),
    },
    response: {
      status: response.status,
      headers: [...response.headers].map(([name, value]) => [name, value]),
      body: responseBody,
    },
  }
}

const secrets: ReadonlySet<string> = new Set(['refresh_token', 'code'])
// Matches only names that could be one of those, with or without escaped letters, so that the pattern stays linear.
const jsonMember = /"((?:[a-z_]|\\u00[\da-fA-F]{2}){4,13})"(\s*:\s*)"((?:[^"\\]|\\[\s\S])*)("|\\?$)/g

/**
 * Shortens `refresh_token` and `code` values, in JSON and in forms, to their first 6 characters: a person who sees them on a
 * screen could use them. Tokens are bound to a key that no trace contains.
 */
export function shortenSecrets(text: string): string {
  if (/^\s*[[{]/.test(text)) return shortenMembers(text)
  if (!text.includes('=')) return text
  return text
    .split('&')
    .map(pair => {
      const at = pair.indexOf('=')
      return at > 0 && secrets.has(formName(pair.slice(0, at)))
        ? pair.slice(0, at + 1) + shortened(pair.slice(at + 1))
        : pair
    })
    .join('&')
}

/** Shortens secrets in the data of events, each of which may be JSON, a form, or one of several lines of JSON. */
export function shortenEvents(text: string): string {
  return shortenMembers(
    text.replace(/^(data: ?)(.*)$/gm, (_, field: string, data: string) => field + shortenSecrets(data)),
  )
}

function shortenMembers(text: string): string {
  return text.replace(jsonMember, (all, name: string, colon: string, value: string, end: string) =>
    secrets.has(unescaped(name)) ? `"${name}"${colon}"${shortened(value)}${end}` : all,
  )
}

const shortened = (value: string): string => (value.length > 6 ? `${value.slice(0, 6)}…` : value)

function unescaped(name: string): string {
  try {
    return String(JSON.parse(`"${name}"`))
  } catch {
    return name
  }
}

function formName(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
