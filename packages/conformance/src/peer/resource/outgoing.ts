import { randomBytes } from 'node:crypto'
import { signDraft } from '../../signing/draft.js'
import type { JsonObject } from '../shared/json.js'
import { Refusal } from '../shared/refusal.js'
import type { Site } from './site.js'

/** A text that nobody can guess. */
export function secret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}

/** A request that the resource makes. */
export interface Outgoing {
  readonly url: string
  /** What a POST sends; a GET without it. */
  readonly form?: Readonly<Record<string, string>> | undefined
  /** Default its own published key alone. */
  readonly token?: string | undefined
}

/** Sends a request that is signed by the key of the resource, as its agent. @throws Refusal where nothing comes back */
export async function sendSigned({ id, key, kid, now }: Site, { url, form, token }: Outgoing): Promise<Response> {
  const { host, pathname, search } = new URL(url)
  const method = form === undefined ? 'GET' : 'POST'
  const { headers, body } = signDraft({
    method,
    target: `${pathname}${search}`,
    authority: host,
    scheme: 'http',
    headers: form === undefined ? [] : [['content-type', 'application/x-www-form-urlencoded']],
    body: form === undefined ? Buffer.alloc(0) : Buffer.from(new URLSearchParams(form).toString()),
    key,
    keyMember: token === undefined ? `jwks_uri;id="${id}";kid="${kid}";dwk="aauth-agent"` : `jwt;jwt="${token}"`,
    label: 'sig',
    parameters: `;created=${Math.floor(now())};nonce="${secret(16)}"`,
  })
  return fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    ...(form === undefined ? {} : { body: Buffer.from(body) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  }).catch(() => {
    throw away('what is behind this resource cannot be reached')
  })
}

/** What a token endpoint answered. */
export interface TokenAnswer {
  readonly status: number
  readonly body: JsonObject
}

/** Asks the token endpoint of an auth server. */
export async function askTokens(site: Site, authServer: string, form: Outgoing['form']): Promise<TokenAnswer> {
  const { agent_token_endpoint: endpoint } = await site.documents.metadata('aauth-issuer', authServer).catch(() => {
    throw away('the documents of the auth server cannot be read')
  })
  const response = await sendSigned(site, { url: String(endpoint), form })
  return { status: response.status, body: Object(await response.json().catch(() => undefined)) }
}

/** 503: something behind this resource is away. */
export function away(text: string): Refusal {
  const headers = { 'retry-after': '5' }
  return new Refusal(503, 'temporarily_unavailable', { reason: 'downstream_unavailable', text, headers })
}
