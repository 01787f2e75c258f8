import { checkOptions } from '../internal/check-options.js'

/**
 * The origins whose pages may read the responses of a server: every origin, or exact ones such as `https://app.example`.
 * With `*`, any page that a user visits can read what unsigned callers in the user's network can read: list the origins on a server
 * that only an inner network can reach.
 */
export type CorsOrigins = '*' | readonly string[]

/** The parts of a request that CORS needs. */
export interface CorsRequest {
  readonly method: string
  readonly headers: Iterable<readonly [string, string]>
}

/** The members of `Headers` that are used on a response, so that other platforms' objects can be used, too. */
export interface HeaderFields {
  /** All values of a field, joined; null when it is not set. */
  get(name: string): string | null
  set(name: string, value: string): void
  delete(name: string): void
  /** Names in lower case. */
  keys(): Iterable<string>
}

/** CORS for agents in browsers. Signatures grant access, so credentials are never allowed. */
export interface Cors {
  /** The response to a preflight, which needs no signature; undefined for any other request. */
  preflight(request: CorsRequest): Response | undefined
  /** Sets the headers that let the page read a response, of any status. They replace those of a handler. */
  expose(request: CorsRequest, headers: HeaderFields): void
}

const allowedHeaders = 'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction'
const exposedHeaders = ['Agent-Auth', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'Date']
/** Seconds that a browser may cache a preflight: so long an origin that was removed from the list may still send requests. */
const maxAge = 600

/** The options of {@link createCors}. */
export interface CorsOptions {
  /** Whether bearer tokens are accepted: then pages may send `Authorization` and read `WWW-Authenticate`. Default no. */
  readonly bearer?: () => boolean
}

/**
 * Creates the CORS of a server.
 * @throws TypeError when the list is empty, or an entry is not an origin as browsers send it
 * @see protocol §4 "CORS"
 */
export function createCors(origins: CorsOrigins, options: CorsOptions = {}): Cors {
  checkOptions('createCors', options, { bearer: 'function' })
  const { bearer = () => false } = options
  checkOrigins(origins)
  const allowed = (request: CorsRequest): string | undefined => {
    if (origins === '*') return '*'
    const [origin, ...more] = valuesOf(request, 'origin')
    // Compared as a whole: a match of a prefix or suffix would accept https://app.example.evil.example.
    return origin !== undefined && more.length === 0 && origins.includes(origin) ? origin : undefined
  }
  const allow = (request: CorsRequest, headers: HeaderFields): boolean => {
    // A handler that reflects the origin and allows cookies would bypass the list.
    for (const name of ['access-control-allow-origin', 'access-control-allow-credentials']) headers.delete(name)
    if (origins !== '*') addTo(headers, 'vary', ['Origin'])
    const origin = allowed(request)
    if (origin === undefined) return false
    headers.set('access-control-allow-origin', origin)
    return true
  }
  return {
    preflight(request) {
      if (!isPreflight(request)) return undefined
      const headers = new Headers()
      if (allow(request, headers)) {
        headers.set('access-control-allow-methods', '*')
        headers.set('access-control-allow-headers', bearer() ? `${allowedHeaders}, Authorization` : allowedHeaders)
        headers.set('access-control-max-age', String(maxAge))
      }
      return new Response(null, { status: 204, headers })
    },
    expose(request, headers) {
      if (!allow(request, headers)) return
      addTo(headers, 'access-control-expose-headers', exposedHeaders)
      if (bearer()) addTo(headers, 'access-control-expose-headers', ['WWW-Authenticate'])
    },
  }
}

/** Wraps a handler with CORS: preflights do not reach it, and pages can read all its responses. */
export function withCors<M extends CorsRequest>(
  origins: CorsOrigins | undefined,
  handle: (message: M) => Promise<Response>,
): (message: M) => Promise<Response> {
  if (origins === undefined) return handle
  const cors = createCors(origins)
  return async message => {
    const preflight = cors.preflight(message)
    if (preflight !== undefined) return preflight
    const response = await handle(message)
    cors.expose(message, response.headers)
    return response
  }
}

function isPreflight(request: CorsRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    valuesOf(request, 'origin').length > 0 &&
    valuesOf(request, 'access-control-request-method').length > 0
  )
}

function valuesOf(request: CorsRequest, name: string): string[] {
  return [...request.headers].filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim())
}

function addTo(headers: HeaderFields, name: string, members: readonly string[]): void {
  const present = (headers.get(name) ?? '').split(',').map(member => member.trim())
  const known = new Set(present.map(member => member.toLowerCase()))
  const missing = members.filter(member => !known.has(member.toLowerCase()))
  headers.set(name, [...present, ...missing].filter(member => member !== '').join(', '))
}

function checkOrigins(origins: CorsOrigins): void {
  if (origins === '*') return
  if (!Array.isArray(origins) || origins.length === 0)
    throw new TypeError(`cors must be '*' or a list of origins; leave it out to turn it off`)
  for (const origin of origins) {
    if (!isOrigin(origin)) throw new TypeError(`${JSON.stringify(origin)} is not an origin such as https://app.example`)
  }
}

/** An origin in the spelling of browsers: others would never match. `null` is the origin of all sandboxed pages, and refused. */
function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(value)) return false
  if (!/^https?:/.test(value)) return true
  try {
    return new URL(value).origin === value
  } catch {
    return false
  }
}
