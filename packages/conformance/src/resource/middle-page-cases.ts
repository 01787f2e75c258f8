import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { tokenJson } from '../participants/desk.js'
import { type Middle, openMiddle, type Upstream, upstream } from './middle.js'
import { cookiesOf, locationOf, open, returnTo, sentTo, withReturn } from './page-walk.js'
import type { ResourceStage } from './stage.js'

const group = 'middle pages'
const needs = ['calls', 'loopback']
const page: Refusal = { status: [400, 403, 404, 410, 429] }
const wrongCode: Refusal = { status: 400, error: 'invalid_grant' }

/** A middle whose auth server asks each user once. */
async function askingMiddle(trial: Trial, stage: ResourceStage): Promise<Middle> {
  const [asked, allowed] = [new Map<string, string>(), new Set<string>()]
  return openMiddle(trial, stage, {
    exchange({ form }, grant) {
      if (form['request_type'] === 'code') {
        const token = form['request_token'] ?? ''
        allowed.add(token)
        return grant(asked.get(token))
      }
      const request_token = `request-${form['upstream_token']?.slice(-20)}`
      asked.set(request_token, form['upstream_token'] ?? '')
      return allowed.has(request_token) ? grant() : tokenJson({ request_token, expires_in: 600 })
    },
  })
}

interface Walked {
  readonly caller: Upstream
  /** Where the auth server sends the browser back to, with its code. */
  readonly callback: string
  readonly cookie: string
}

/** Walks from a request to the page of the auth server. @throws Undecided */
async function walk(trial: Trial, stage: ResourceStage, caller: Upstream = upstream(stage)): Promise<Walked> {
  const url = withReturn(await sentTo(trial, caller), { return_url: returnTo(stage), state: 'own-state' })
  const response = await trial.control('the browser opens its page', open(stage, url))
  const onward = locationOf(response)
  trial.holds(
    'it leads on to the auth server',
    onward?.href.startsWith(`${stage.authServer.id}/agent/auth?`) === true,
    onward?.href,
  )
  const [back, state] = ['redirect_uri', 'state'].map(name => onward?.searchParams.get(name) ?? '')
  if (back === undefined || back === '' || new URL(back).origin !== stage.id)
    throw new Undecided('failed', 'could not decide: the browser does not come back to the resource')
  const callback = withReturn(back, { code: 'code-1', state: state ?? '', iss: stage.authServer.id })
  return { caller, callback, cookie: cookiesOf(response) }
}

/** Comes back from the auth server, and reads the code for the agent. @throws Undecided */
async function comeBack(trial: Trial, stage: ResourceStage, { callback, cookie }: Walked): Promise<string> {
  const response = await trial.control('the browser comes back', open(stage, callback, cookie))
  const home = locationOf(response)
  trial.holds('it leads to return_url', home?.href.startsWith(`${returnTo(stage)}?`) === true, home?.href)
  trial.holds('state is the one of the agent', home?.searchParams.get('state') === 'own-state')
  const code = home?.searchParams.get('interaction')
  if (!code) throw new Undecided('failed', 'could not decide: there is no interaction code')
  return code
}

/** The pages by which the user of a caller goes through a resource. @see protocol §7 */
export const middlePageCases: readonly Case<ResourceStage>[] = [
  {
    id: 'interaction.return-url',
    words: 'A bad one is an error page',
    group,
    needs,
    clauses: ['INT-01', 'INT-02', 'INT-10'],
    async run(trial, stage) {
      await askingMiddle(trial, stage)
      const url = await sentTo(trial, upstream(stage))
      const right = { return_url: returnTo(stage), state: 'own-state' }
      const twice = withReturn(withReturn(url, right), { return_url: 'https://other.example/callback' })
      for (const [title, at] of [
        [
          'return_url is on another origin',
          withReturn(url, { ...right, return_url: 'https://other.example/callback' }),
        ],
        ['return_url has another path', withReturn(url, { ...right, return_url: `${right.return_url}/x` })],
        ['return_url has a query', withReturn(url, { ...right, return_url: `${right.return_url}?x=1` })],
        ['return_url is a script', withReturn(url, { ...right, return_url: 'javascript:alert(1)' })],
        ['return_url is missing', withReturn(url, { state: 'own-state' })],
        ['return_url comes twice', twice],
      ] as const) {
        const response = await trial.refused(title, open(stage, at), page)
        trial.holds(`${title}: it leads nowhere`, locationOf(response) === undefined)
      }
      await trial.accepted('a right return_url, after all that', open(stage, withReturn(url, right)))
    },
  },
  {
    id: 'interaction.code',
    words: 'Only then may the stored result be used',
    group,
    needs,
    async run(trial, stage) {
      const middle = await askingMiddle(trial, stage)
      const walked = await walk(trial, stage)
      const { caller } = walked
      const code = await comeBack(trial, stage, walked)
      const redeemed = middle.exchanges.find(({ form }) => form['request_type'] === 'code')
      trial.holds('the code of the auth server is redeemed', redeemed?.form['code'] === 'code-1')
      trial.holds(
        'with the request_token of this session',
        redeemed?.form['request_token']?.startsWith('request-') === true,
      )
      await trial.refused('a code that nobody gave', caller.request('x'.repeat(code.length)), wrongCode)
      await trial.refused('the code of another user', upstream(stage).request(code), wrongCode)
      await trial.accepted('the retry, with the code', () => caller.request(code))
    },
  },
  {
    id: 'interaction.browser',
    group,
    needs,
    clauses: ['INT-14'],
    async run(trial, stage) {
      const middle = await askingMiddle(trial, stage)
      const walked = await walk(trial, stage)
      const { callback, cookie } = walked
      trial.holds('its page sets a cookie', cookie !== '')
      for (const [title, at, sent] of [
        ['a browser without the cookie', callback, ''],
        ['a browser with another cookie', callback, cookie.replace(/=.*/, '=another')],
        ['another state', callback.replace(/state=[^&]*/, 'state=another'), cookie],
        ['another iss', callback.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fother.example'), cookie],
      ] as const) {
        const response = await trial.refused(`${title} comes back`, open(stage, at, sent), page)
        trial.holds(`${title}: it leads nowhere`, locationOf(response) === undefined)
      }
      const redeemed = middle.exchanges.some(({ form }) => form['request_type'] === 'code')
      trial.holds('no code is redeemed for them', !redeemed)
    },
  },
  {
    id: 'interaction.bound',
    group,
    needs,
    clauses: ['INT-04'],
    async run(trial, stage) {
      await askingMiddle(trial, stage)
      const walked = await walk(trial, stage)
      const code = await comeBack(trial, stage, walked)
      await trial.refused('the browser comes back a second time', open(stage, walked.callback, walked.cookie), page)
      const url = await sentTo(trial, upstream(stage))
      const altered = url.slice(0, -1) + (url.endsWith('A') ? 'B' : 'A')
      const own = { return_url: returnTo(stage), state: 'own-state' }
      await trial.refused('the page of a session that does not exist', open(stage, withReturn(altered, own)), page)
      await trial.accepted('the retry, with the code', () => walked.caller.request(code))
      await trial.refused('the code is used again', walked.caller.request(code), wrongCode)
    },
  },
]
