import { headerValue } from '../../wire/message.js'
import type { Documents } from '../shared/documents.js'
import { wordsOf } from '../shared/identifier.js'
import { isObject, type JsonObject, parseJson, utf8 } from '../shared/json.js'
import { badRequest } from '../shared/refusal.js'
import { authToken, checkToken, readJws } from '../shared/token.js'
import type { Asked } from './resource-token.js'
import { isNotProcessed, sendSigned, waitAsTold } from './send-signed.js'
import { GaveUp, identified, now, ownKey, type Settings } from './settings.js'

/** An auth server, and the agent that asks it. */
export interface Desk {
  readonly settings: Settings
  readonly documents: Documents
  readonly authServer: string
}

/** What a token endpoint answered. */
export interface TokenAnswer {
  readonly status: number
  readonly body: JsonObject
}

/** Asks the token endpoint of an auth server. @see protocol §6.2 */
export async function askDesk(
  { settings, documents, authServer }: Desk,
  form: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const { agent_token_endpoint: endpoint } = await documents.metadata('aauth-issuer', authServer)
  const request = {
    url: new URL(String(endpoint)),
    method: 'POST',
    body: new URLSearchParams(form).toString(),
    contentType: 'application/x-www-form-urlencoded',
  }
  const send = () => sendSigned(request, identified(settings))
  let { response } = await send()
  if (isNotProcessed(response)) {
    await waitAsTold(response)
    response = (await send()).response
  }
  const { status, body } = response
  const type = headerValue(response, 'content-type') ?? ''
  if (!/^application\/json(?:;|$)/i.test(type)) throw new GaveUp(`the auth server answered ${status}, and no JSON`)
  if (body.length > 64 * 1024) throw new GaveUp('the answer of the auth server is too long')
  return { status, body: jsonIn(body) }
}

function jsonIn(bytes: Buffer): JsonObject {
  let body: unknown
  try {
    body = parseJson(utf8(bytes))
  } catch {
    throw new GaveUp('the answer of the auth server is no JSON')
  }
  if (!isObject(body)) throw new GaveUp('the answer of the auth server is no object')
  return body
}

/** An auth token that has been checked, and what it came with. */
export interface Granted {
  readonly token: string
  readonly claims: JsonObject
  readonly refreshToken?: string | undefined
}

/** Checks a token answer. @see protocol §6.4 @throws GaveUp */
export async function checkTokenAnswer(
  { status, body }: TokenAnswer,
  { settings, documents, authServer }: Desk,
  asked: Pick<Asked, 'scope' | 'operation'> & { readonly resource: string },
): Promise<Granted> {
  if (status !== 200) throw new GaveUp(`the auth server answered ${status}`)
  const { auth_token: token, refresh_token: refreshToken } = body
  if (typeof token !== 'string') throw new GaveUp('the answer of the auth server has no auth token')
  if (refreshToken !== undefined && !isOpaque(refreshToken)) throw new GaveUp('the refresh token is malformed')
  const jws = readJws(token, badRequest)
  const key = await checkToken(jws, authToken, { documents, now, isTrusted: iss => iss === authServer })
  const { aud, agent, agent_delegate, scope, purposes, operation_digest } = jws.claims
  if (aud !== asked.resource) throw new GaveUp('the auth token is for another resource')
  if (agent !== settings.id) throw new GaveUp('the auth token is for another agent')
  if (agent_delegate !== undefined) throw new GaveUp('the auth token is for a delegate')
  if (key?.thumbprint !== ownKey(settings).thumbprint) throw new GaveUp('the auth token is for another key')
  const wanted = asked.scope.split(' ')
  if (!(wordsOf(scope) ?? []).every(word => wanted.includes(word))) throw new GaveUp('the auth token has more scope')
  if (purposes !== undefined) throw new GaveUp('the auth token has purposes that were not asked for')
  if (operation_digest !== asked.operation) throw new GaveUp('the auth token approves another request')
  return { token, claims: jws.claims, refreshToken }
}

/** A text that one can send back. */
function isOpaque(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]{1,2048}$/.test(value)
}
