import { scriptedUser } from '@countersign/playground'
import type { Outcome } from '../history.js'
import { senderOf } from './signed.js'
import type { Client } from './world.js'

/** What a user did with a question. */
export interface Visit {
  /** Whether the auth server has acknowledged the decision; undefined where none was sent. */
  readonly outcome: Outcome | undefined
  /** What the browser was sent back with. */
  readonly back: URLSearchParams | undefined
  readonly why?: string
  readonly begin: number
  readonly end: number
}

/** What a user is asked, and says. */
export interface Question {
  readonly tag: string
  readonly flow: string
  readonly user: string
  readonly decision: 'allow' | 'deny'
  /** Either the link of a request, or the code of a device. */
  readonly link?: string
  readonly code?: { readonly verification_uri: string; readonly user_code: string }
}

/** A browser whose requests stand in the history. `sent` says whether it has sent a decision, `back` with what it came back. */
export function watchedFetch(
  client: Client,
  flow: string,
): { fetch: typeof fetch; seen: { sent: boolean; back?: URLSearchParams } } {
  const { addresses, courier } = client.world
  const seen: { sent: boolean; back?: URLSearchParams } = { sent: false }
  const watched: typeof fetch = async (input, init) => {
    const url = new URL(String(input))
    if (url.href.startsWith(addresses.callback)) {
      seen.back = url.searchParams
      return new Response('<h1>Back</h1>')
    }
    const body = init?.body instanceof URLSearchParams ? init.body : undefined
    if (body?.has('decision') === true) seen.sent = true
    const headers: Array<[string, string]> = Object.entries<string>({ ...Object(init?.headers) })
    if (body !== undefined) headers.push(['content-type', 'application/x-www-form-urlencoded'])
    const answer = await courier.send(
      {
        id: url.origin,
        method: init?.method ?? 'GET',
        target: url.pathname + url.search,
        headers,
        ...(body === undefined ? {} : { body: new TextEncoder().encode(body.toString()) }),
      },
      `${init?.method ?? 'GET'} ${url.pathname}`,
      senderOf(client, flow),
    )
    if (answer.failure !== undefined) throw new TypeError(answer.failure)
    const lines = new Headers()
    for (const [name, value] of Object.entries(answer.headers))
      for (const each of [value ?? []].flat()) lines.append(name, each)
    const empty = answer.status === 204 || answer.status === 304
    return new Response(empty ? null : answer.text, { status: answer.status, headers: lines })
  }
  return { fetch: watched, seen }
}

/** Has a user sign in and decide; writes down the decision once it may have arrived. */
export async function decide(client: Client, o: Question): Promise<Visit> {
  const { fetch, seen } = watchedFetch(client, o.flow)
  const user = scriptedUser(o.user, fetch)
  const begin = Date.now()
  const button = o.decision === 'allow' ? 'Allow' : 'Refuse'
  let why: string | undefined
  try {
    if (o.code !== undefined) await user.typeIn(o.code, button)
    else await user.decide(o.link ?? '', button)
  } catch (error) {
    why = error instanceof Error ? error.message : String(error)
  }
  const end = Date.now()
  const outcome = seen.sent ? (why === undefined ? 'ok' : 'unknown') : undefined
  if (outcome !== undefined)
    client.world.history.add({ type: 'decision', tag: o.tag, decision: o.decision, outcome, begin, end })
  return { outcome, back: seen.back, begin, end, ...(why === undefined ? {} : { why }) }
}
