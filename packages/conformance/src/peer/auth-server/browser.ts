import { headerValue } from '../../wire/message.js'
import type { PeerAnswer } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import type { Context } from './context.js'
import { errorPage } from './html.js'
import type { Browser } from './state.js'
import { secret } from './values.js'

/** A request of a browser for a page. */
export interface Visit {
  readonly browser: Browser
  readonly query: URLSearchParams
  /** What its form sends; empty for a GET. */
  readonly form: URLSearchParams
}

/** Answers the visit of a browser, which gets its cookie with the first page. */
export async function visited(
  context: Context,
  o: {
    readonly request: PeerRequest
    readonly body: string
    readonly answer: (visit: Visit) => PeerAnswer | Promise<PeerAnswer>
  },
): Promise<PeerAnswer> {
  const { request, body } = o
  const { browsers } = context.state
  const name = `session-${context.settings.port}`
  const known = browsers.get(cookieIn(request, name))
  const browser = known ?? newBrowser()
  browsers.set(browser.cookie, browser)
  const form = new URLSearchParams(body)
  if (request.method === 'POST') {
    const origin = headerValue(request, 'origin')
    if (origin !== undefined && origin !== context.id) return errorPage(403, 'The form is not of this server.')
    if (form.get('form') !== browser.formSecret) return errorPage(403, 'The form is not of this browser.')
  }
  const answer = await o.answer({ browser, query: new URLSearchParams(request.query), form })
  const cookie = `${name}=${browser.cookie}; Path=/; HttpOnly; SameSite=Lax`
  return known === undefined ? { ...answer, headers: { ...answer.headers, 'set-cookie': cookie } } : answer
}

function cookieIn(request: PeerRequest, name: string): string {
  const pairs = (headerValue(request, 'cookie') ?? '').split(/[;,] */)
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
}

function newBrowser(): Browser {
  return {
    cookie: secret(),
    formSecret: secret(),
    opened: new Set(),
    verifiedAt: 0,
    misses: [],
    linking: new Map(),
    signedInThere: new Map(),
    words: new Map(),
  }
}
