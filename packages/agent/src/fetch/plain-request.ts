import type { Line } from './bot-signer.js'

/** What `Request` would make of the arguments of `fetch`, with the body as bytes. */
export interface PlainRequest {
  readonly method: string
  readonly url: URL
  /** As `Headers` lists them. */
  readonly headers: Line[]
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly redirect: RequestRedirect
  readonly signal: AbortSignal | undefined
}

/** Those of a request that is read here, and `purposes`, which is the agent's own. */
const plainMembers: ReadonlySet<string> = new Set(['method', 'headers', 'body', 'redirect', 'signal', 'purposes'])
const methods: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])
const redirects: ReadonlySet<string> = new Set(['error', 'follow', 'manual'])
const encoder = /* @__PURE__ */ new TextEncoder()

/**
 * Reads the arguments of most calls: a URL, and at most a method, headers, a text as body, a redirect mode and a signal. To make a
 * `Request` of them, and to read its body as a stream, would take longer than to sign them.
 * Returns undefined for all others, among them all that `Request` refuses.
 */
export function readPlainRequest(input: string | URL | Request, init: RequestInit = {}): PlainRequest | undefined {
  for (const member in init) if (!plainMembers.has(member)) return undefined
  const { method = 'GET', body = null, redirect = 'follow', signal = null } = init
  const url = readUrl(input)
  if (url === undefined || !methods.has(method) || !redirects.has(redirect)) return undefined
  if (signal !== null && !(signal instanceof AbortSignal)) return undefined
  if (body !== null && (typeof body !== 'string' || method === 'GET' || method === 'HEAD')) return undefined
  const headers = readHeaders(init.headers, body === null ? [] : [['content-type', 'text/plain;charset=UTF-8']])
  if (headers === undefined) return undefined
  const bytes = body === null ? undefined : encoder.encode(body)
  return { method, url, headers, body: bytes, redirect, signal: signal ?? undefined }
}

/** So few lines are quick to put in order one by one. */
const fewLines = 32
const plainName = /^[a-z0-9-]+$/i
/** Without space at an end, which `Headers` takes off. */
const plainValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** Reads an object of plain names and values. @param usual lines for the names that it does not have */
function readHeaders(given: HeadersInit | undefined, usual: readonly Line[]): Line[] | undefined {
  if (given !== undefined && Object.getPrototypeOf(given) !== Object.prototype) return undefined
  const lines: Line[] = []
  const values = (given ?? {}) as Readonly<Record<string, unknown>>
  const names = Object.keys(values)
  if (names.length > fewLines) return undefined
  for (const name of names) {
    const value = values[name]
    if (typeof value !== 'string' || !plainName.test(name) || !plainValue.test(value)) return undefined
    // Two spellings of one name, which `Headers` joins.
    if (!insertLine(lines, [name.toLowerCase(), value])) return undefined
  }
  for (const line of usual) insertLine(lines, line)
  return lines
}

/**
 * Puts a line where its name belongs in the order of names, unless there is one of that name; returns whether it did. For the few lines
 * of a request this takes a fraction of the time of a sort.
 */
function insertLine(lines: Line[], line: Line): boolean {
  let at = lines.length
  for (; at > 0; at--) {
    const name = lines[at - 1]?.[0] ?? ''
    if (name === line[0]) return false
    if (name < line[0]) break
  }
  lines.splice(at, 0, line)
  return true
}

function readUrl(input: string | URL | Request): URL | undefined {
  if (typeof input !== 'string' && !(input instanceof URL)) return undefined
  let url: URL
  try {
    url = new URL(input)
  } catch {
    // Relative, perhaps: only `Request` knows to what.
    return undefined
  }
  const isPlain = url.protocol === 'https:' || url.protocol === 'http:'
  return isPlain && url.username === '' && url.password === '' ? url : undefined
}
