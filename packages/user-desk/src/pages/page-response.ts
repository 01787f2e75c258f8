import { createHash } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { asAAuthError, pageSafety, type Route } from '@countersign/protocol/internal'
import { errorPage } from './error-page.js'
import type { Look, Looks } from './look.js'
import { passkeyScript } from './passkey-script.js'

/** How a page is answered. */
export interface PageOptions {
  readonly look: Look
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
  /** `passkey` for a page with a form that a passkey fills in. Default: a page without scripts. */
  readonly script?: 'passkey' | undefined
}

const scriptHash = `'sha256-${createHash('sha256').update(passkeyScript).digest('base64')}'`

/** Answers with a page, without scripts unless it is for passkeys, that no other site may frame, no cache stores, and no referrer reveals. */
export function pageResponse(html: string, o: PageOptions): Response {
  const response = new Response(`<!doctype html>\n${html}`, {
    status: o.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': o.look.language,
      'content-security-policy': policyOf(o),
      ...pageSafety,
    },
  })
  return withLines(response, o)
}

/** The page of a refusal. @param o.retry a path of this server where the user begins again */
export function errorPageResponse(
  error: AAuthError,
  o: Pick<PageOptions, 'look' | 'cookies'> & { readonly retry?: string | undefined },
): Response {
  const { code, reason, about, description, status, retryAfter } = error
  return pageResponse(errorPage({ code, reason, about, description, retry: o.retry }, o.look), {
    look: o.look,
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
  {
    looks,
    onError,
  }: { readonly looks: Looks; readonly onError: (error: AAuthError, message: ReceivedMessage) => Promise<void> | void },
): Route {
  return {
    methods,
    async answer(message) {
      try {
        return await answer(message)
      } catch (thrown) {
        const error = asAAuthError(thrown)
        await onError(error, message)
        return errorPageResponse(error, { look: looks.of(message) })
      }
    },
  }
}

function policyOf({ look, leadsTo, script }: PageOptions): string {
  return [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src ${scriptHash}`]),
    `style-src '${look.brand.styleHash}'`,
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
