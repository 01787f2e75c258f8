import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Draft, requiredComponents, signatureBase, signDraft } from '../../signing/draft.js'
import { type HeaderLine, headerLines, headerValue, type WireResponse } from '../../wire/message.js'
import { send } from '../../wire/send.js'
import { GaveUp, now, type Signer } from './settings.js'

/** A request that the agent makes. */
export interface Outgoing {
  readonly url: URL
  readonly method: string
  readonly body?: string | undefined
  readonly contentType?: string
  /** The code of an interaction. */
  readonly interaction?: string | undefined
  /** Components that the receiver demands beyond the usual ones. */
  readonly demanded?: readonly string[]
}

/** What was sent, and what came back. */
export interface Sent {
  readonly response: WireResponse
  /** The signature base of the request. */
  readonly base: string
}

/** Signs a request and sends it. @see protocol §3 */
export async function sendSigned(o: Outgoing, signer: Signer): Promise<Sent> {
  const { url, method } = o
  const body = Buffer.from(o.body ?? '')
  const headers: HeaderLine[] = [['host', url.host]]
  if (body.length > 0) headers.push(['content-type', o.contentType ?? 'application/json'])
  if (o.interaction !== undefined) headers.push(['agent-interaction', `"${o.interaction}"`])
  const nonce = randomBytes(16).toString('base64url')
  const unsigned: Draft = {
    method,
    // A lone ? is not part of `search`.
    target: `${url.pathname}${url.search}`,
    authority: url.host,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    headers,
    body,
    key: signer.key,
    keyMember: signer.keyMember,
    label: 'sig',
    parameters: `;created=${now()};nonce="${nonce}"`,
  }
  const components = [...new Set([...requiredComponents(unsigned), ...moreComponents(o, unsigned)])]
  const request = signDraft({ ...unsigned, components })
  const { response } = await send(new URL(url.origin), request, { title: method, deadline: 10_000 })
  if (response === undefined) throw new GaveUp('there was no whole answer')
  return { response, base: signatureBase(unsigned, request.headers, components) }
}

function moreComponents({ interaction, demanded = [] }: Outgoing, draft: Draft): string[] {
  const isThere = (name: string): boolean => name.startsWith('@') || headerLines(draft, name).length > 0
  const fields = interaction === undefined ? [] : ['"agent-interaction"']
  return [...fields, ...demanded.filter(isThere).map(name => `"${name}"`)]
}

/** Whether an answer says that nothing was done, so that the same may be sent anew. @see protocol §3.7 */
export function isNotProcessed(response: WireResponse): boolean {
  return response.status === 503 && headerValue(response, 'agent-auth')?.trim() === 'httpsig'
}

/** Waits as long as an answer says. @throws GaveUp where that is no time to wait for */
export async function waitAsTold(response: WireResponse): Promise<void> {
  const pause = headerValue(response, 'retry-after') ?? ''
  if (!/^\d{1,2}$/.test(pause) || Number(pause) > 10) throw new GaveUp('the server wants another time: later')
  await sleep(Number(pause) * 1000)
}
