import type { Case } from '../case/case.js'
import { hasRoomFor } from '../case/random-text.js'
import { refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { plainGet } from '../endpoint/document-cases.js'
import { targetOf } from '../endpoint/endpoint-stage.js'
import { cookiesOf } from '../resource/page-walk.js'
import { headerValue, jsonBody, type WireResponse } from '../wire/message.js'
import { type AuthServerStage, asked, resourceToken } from './stage.js'

const group = 'consent'
const needs = ['consent']
const state = 'state-1'

const consentForm = (stage: AuthServerStage): Readonly<Record<string, string>> => ({
  request_type: 'auth',
  resource_token: resourceToken(stage, undefined, { scope: stage.configuration.consentScope ?? '' }),
})

const callbackOf = (stage: AuthServerStage): string => `${stage.agent.id}/callback`

/** A request that waits for a user. */
async function requested(trial: Trial, stage: AuthServerStage): Promise<string> {
  const response = await trial.control('a request that a user must decide', () =>
    asked(stage, { ...consentForm(stage), redirect_uri: callbackOf(stage), state }),
  )
  return String(jsonBody(response)?.['request_token'])
}

/** Opens the page in a browser that nobody has signed in with. */
export async function opened(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly title: string; readonly query: Readonly<Record<string, string>> },
): Promise<WireResponse | undefined> {
  const query = new URLSearchParams(o.query).toString()
  const { response } = await trial.sent(
    o.title,
    plainGet(stage, `${targetOf(stage.metadata, 'agent_auth_endpoint')}?${query}`),
  )
  return response
}

/** The page that a browser shows in the end: redirects on the same origin are followed. */
async function shownPage(
  trial: Trial,
  stage: AuthServerStage,
  response: WireResponse | undefined,
): Promise<WireResponse | undefined> {
  let page = response
  for (let round = 0; round < 3 && page !== undefined; round++) {
    const location = headerValue(page, 'location')
    if (location === undefined || leavesFor(page, stage)) return page
    const { pathname, search } = new URL(location, stage.id)
    const { headers, ...get } = plainGet(stage, `${pathname}${search}`)
    const cookie = cookiesOf(page)
    const sent = { ...get, headers: cookie === '' ? headers : [...headers, ['cookie', cookie] as const] }
    page = (await trial.sent('the browser follows a redirect', sent)).response
  }
  return page
}

/** Whether an answer leads the browser, or what it carries, to another origin. */
function leavesFor(response: WireResponse | undefined, stage: AuthServerStage): boolean {
  const location = response === undefined ? undefined : headerValue(response, 'location')
  return location !== undefined && new URL(location, stage.id).origin !== stage.id
}

/** UIX: requests that wait for a user, and the page that asks. */
export const consentCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'consent.request-token',
    group,
    needs,
    clauses: ['TOK-09', 'auth.redirect-uri'],
    async run(trial, stage) {
      const token = await requested(trial, stage)
      trial.holds(
        'request_token has room for 128 random bits',
        hasRoomFor(token, 128),
        `it has ${token.length} characters`,
      )
      await trial.refused('redirect_uri is missing', () => asked(stage, consentForm(stage)), refusals.request)
    },
  },
  {
    id: 'TOK-10',
    group,
    needs,
    clauses: ['TOK-11', 'consent.redirect-uri'],
    async run(trial, stage) {
      await requested(trial, stage)
      const uri = callbackOf(stage)
      for (const wrong of [
        'https://evil.example/callback',
        `${uri}/`,
        `${uri}?x=1`,
        `${uri}#x`,
        uri.replace('/callback', '/Callback'),
        uri.replace('/callback', '/x/../callback'),
        uri.replace('://', '://user@'),
        'javascript:alert(1)',
      ])
        await trial.refused(
          `redirect_uri is like ${wrong.replace(stage.agent.id, 'AGENT')}`,
          () => asked(stage, { ...consentForm(stage), redirect_uri: wrong, state }),
          refusals.request,
        )
    },
  },
  {
    id: 'UIX-01',
    words: 'there must be an error page, and never a redirect',
    group,
    needs,
    clauses: ['TOK-22', 'UIX-02', 'UIX-03', 'consent.parameters', 'consent.error-pages', 'consent.no-oracle'],
    async run(trial, stage) {
      const token = await requested(trial, stage)
      const right = { request_token: token, redirect_uri: callbackOf(stage), state }
      const wrong: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
        ['there is no request_token', { redirect_uri: right.redirect_uri, state }],
        ['request_token is unknown', { ...right, request_token: 'unknown' }],
        ['request_token has a letter more', { ...right, request_token: `${token}A` }],
        ['redirect_uri is another', { ...right, redirect_uri: 'https://evil.example/callback' }],
        ['redirect_uri is missing', { request_token: token, state }],
        ['state is another', { ...right, state: 'other' }],
      ]
      for (const [title, query] of wrong) {
        const response = await opened(trial, stage, { title, query })
        trial.holds(
          `${title}: there is a page with an error`,
          (response?.status ?? 0) >= 400,
          `it is ${response?.status}`,
        )
        trial.holds(`${title}: the page asks for no signature`, response?.status !== 401)
        trial.holds(`${title}: there is no redirect elsewhere`, !leavesFor(response, stage))
        const page = response === undefined ? '' : response.body.toString('utf8')
        const scope = stage.configuration.consentScope ?? ''
        trial.holds(`${title}: the page tells nothing of the request`, scope === '' || !page.includes(scope))
      }
    },
  },
  {
    id: 'UIX-07',
    words: ['must withstand forgery, framing', 'No page may tell its URL to another origin'],
    group,
    needs,
    clauses: ['consent.browser'],
    async run(trial, stage) {
      const query = { request_token: await requested(trial, stage), redirect_uri: callbackOf(stage), state }
      const response = await opened(trial, stage, { title: 'the page is opened', query })
      trial.holds('nothing was decided yet: it leads nowhere else', !leavesFor(response, stage))
      const shown = await shownPage(trial, stage, response)
      const policy = shown === undefined ? '' : (headerValue(shown, 'content-security-policy') ?? '')
      const frames = shown === undefined ? '' : (headerValue(shown, 'x-frame-options') ?? '')
      const none =
        /frame-ancestors\s+'(?:none|self)'\s*(?:;|,|$)/i.test(policy) || /^\s*(?:deny|sameorigin)\s*$/i.test(frames)
      trial.holds('no page of another origin can frame it', none, `${policy} ${frames}`)
      // Without the header, browsers tell other origins no path and no query.
      const referrer = shown === undefined ? '' : (headerValue(shown, 'referrer-policy') ?? '')
      const tells = /(?:unsafe-url|no-referrer-when-downgrade)\s*$/i.test(referrer)
      trial.holds('its URL is told to no other origin', !tells, `Referrer-Policy is ${referrer}`)
    },
  },
  {
    id: 'UIX-08',
    words: 'must withstand forgery, framing, script',
    group,
    needs,
    async run(trial, stage) {
      const markup = '<script>conformance()</script>'
      await requested(trial, stage)
      for (const query of [{ request_token: markup }, { request_token: 'x', redirect_uri: markup, state: markup }]) {
        const response = await opened(trial, stage, {
          title: `the page is opened with markup in ${Object.keys(query).join(', ')}`,
          query,
        })
        trial.holds('the markup is not in the page', response?.body.includes(markup) === false)
      }
    },
  },
]
