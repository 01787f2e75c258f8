import { type Outgoing, parseBareUrl } from './outgoing.js'

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** A redirect. `elsewhere` is another origin, or a URL that cannot be followed. */
export type Redirect = { readonly to: 'same'; readonly request: Outgoing } | { readonly to: 'elsewhere' }

/**
 * Returns the request that follows a redirect by the rules of fetch; undefined when the response is no redirect.
 * Within the origin only: another origin never gets a signature, a token or a body.
 * @see protocol §4 (5)
 */
export function followRedirect(request: Outgoing, status: number, location: string | null): Redirect | undefined {
  if (!redirects.has(status) || location === null) return undefined
  const url = resolveLocation(location, request.url)
  if (url === undefined || url.origin !== request.url.origin || url.username !== '' || url.password !== '')
    // agent.redirects.other-origin
    return { to: 'elsewhere' }
  const next = { ...request, url }
  return { to: 'same', request: becomesGet(request.method, status) ? toGet(next) : next }
}

function resolveLocation(location: string, base: URL): URL | undefined {
  try {
    return parseBareUrl(location, base)
  } catch {
    return undefined
  }
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

function toGet(request: Outgoing): Outgoing {
  const { body: _body, ...rest } = request
  return { ...rest, method: 'GET', headers: request.headers.filter(([name]) => !name.startsWith('content-')) }
}
