import { createHash } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type AAuthError, asAAuthError, pageSafety, type Route } from '@countersign/protocol'
import { errorPage } from './error-page.js'
import { stylesheet } from './stylesheet.js'

/** How a page is answered. */
export interface PageOptions {
  /** Default 200. */
  readonly status?: number
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[] | undefined
  /** Further headers, e.g. `retry-after`. */
  readonly headers?: ReadonlyArray<readonly [string, string]>
  /**
   * Where a form of this page may lead after all redirects, because browsers check `form-action` for those, too: the
   * `redirect_uri` of the request, or `anywhere` where it is not known. Default: only this server.
   */
  readonly leadsTo?: string | undefined
}

const styleHash = `'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`

/** Answers with a page without scripts that no other site may frame, no cache stores, and no referrer reveals. */
export function pageResponse(html: string, o: PageOptions = {}): Response {
  const response = new Response(`<!doctype html>\n${html}`, {
    status: o.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyOf(o.leadsTo),
      ...pageSafety,
    },
  })
  return withLines(response, o)
}

/** The page of a refusal. @param o.retry a path of this server where the user begins again */
export function errorPageResponse(
  error: AAuthError,
  o: Pick<PageOptions, 'cookies'> & { readonly retry?: string | undefined } = {},
): Response {
  const { code, description, status, retryAfter } = error
  return pageResponse(errorPage({ code, description, retry: o.retry }), {
    // 401 asks for a signature, which no browser can give.
    status: status === 401 ? 400 : status,
    cookies: o.cookies,
    headers: retryAfter === undefined ? [] : [['retry-after', String(retryAfter)]],
  })
}

/** A route for browsers: what it throws becomes a page and goes to `onError`. */
export function pageRoute(
  methods: readonly string[],
  answer: Route['answer'],
  onError?: (error: AAuthError, message: ReceivedMessage) => void,
): Route {
  return {
    methods,
    async answer(message) {
      try {
        return await answer(message)
      } catch (thrown) {
        const error = asAAuthError(thrown)
        onError?.(error, message)
        return errorPageResponse(error)
      }
    },
  }
}

function policyOf(leadsTo: string | undefined): string {
  return [
    "default-src 'none'",
    `style-src ${styleHash}`,
    'img-src data:',
    `form-action ${["'self'", ...formTargets(leadsTo)].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/**
 * An agent's page may redirect further, over as many origins as a chain has hops, so any https origin is allowed, and loopback
 * where the `redirect_uri` is on it. A policy cannot name IPv6 addresses.
 */
function formTargets(leadsTo: string | undefined): string[] {
  if (leadsTo === undefined) return []
  const loopback = ['http://localhost:*', 'http://127.0.0.1:*']
  if (leadsTo === 'anywhere') return ['https:', ...loopback]
  if (!leadsTo.startsWith('http:')) return ['https:']
  return leadsTo.startsWith('http://[') ? ['https:', 'http:'] : ['https:', ...loopback]
}

function withLines(response: Response, { cookies = [], headers = [] }: PageOptions): Response {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  for (const [name, value] of headers) response.headers.append(name, value)
  return response
}
