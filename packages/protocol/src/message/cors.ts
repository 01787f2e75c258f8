import { checkOptions } from '../internal/check-options.js'

/**
 * Whose pages may read the answers of a server: those of every origin, or of a list of exact origins such as
 * `https://app.example`. `*` also lets any page its user visits read what a caller without signature may read from
 * where that user is: name the origins on a server that only an inner network can reach.
 */
export type CorsOrigins = '*' | readonly string[]

/** What CORS looks at in a request. */
export interface CorsRequest {
  readonly method: string
  readonly headers: Iterable<readonly [string, string]>
}

/** As much of `Headers` as is read and changed on a response: what a platform keeps headers in can be used as it is. */
export interface HeaderFields {
  /** All values of a field in one; null where it is not set. */
  get(name: string): string | null
  set(name: string, value: string): void
  delete(name: string): void
  /** Names in lower case. */
  keys(): Iterable<string>
}

/** CORS for browser agents: signed requests are what grants access, so credentials are never allowed. */
export interface Cors {
  /** The answer to a preflight, undefined for any other request. It asks for no signature and changes nothing. */
  preflight(request: CorsRequest): Response | undefined
  /** Sets on an answer, of whatever status, what lets the asking page read it. What a handler set there yields. */
  expose(request: CorsRequest, headers: HeaderFields): void
}

const allowedHeaders = 'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction'
const exposedHeaders = ['Agent-Auth', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'Date']
/** Seconds for which a browser may remember a preflight, and so how long an origin that was taken off the list lasts. */
const maxAge = 600

/** What CORS must know beside the origins. */
export interface CorsOptions {
  /** Whether bearer tokens are taken, too: a page may then send `Authorization`, and read `WWW-Authenticate`. Default no. */
  readonly bearer?: () => boolean
}

/**
 * Makes the CORS of a server.
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
    // Compared whole: a prefix or suffix match lets https://app.example.evil.example in.
    return origin !== undefined && more.length === 0 && origins.includes(origin) ? origin : undefined
  }
  const allow = (request: CorsRequest, headers: HeaderFields): boolean => {
    // A handler that reflects the origin and allows cookies would undo the list.
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

/** Puts CORS around a server's handler: preflights do not reach it, and all it answers can be read. */
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
    if (!isOrigin(origin)) throw new TypeError(`${JSON.stringify(origin)} is no origin such as https://app.example`)
  }
}

/** As browsers spell it, or nothing would ever match. `null` is every sandboxed page there is, and on no list. */
function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(value)) return false
  if (!/^https?:/.test(value)) return true
  try {
    return new URL(value).origin === value
  } catch {
    return false
  }
}
