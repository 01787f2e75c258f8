import { generateSigningKey, parseSignatureKey, type SignatureKey, type SigningKey } from '@countersign/httpsig'
import type { ShownMessage } from '../explorer/contract.js'
import { form } from './actor.js'
import type { AgentRing } from './agent-ring.js'
import { boundTo, claimsOf, partOf } from './agent-ring.js'
import type { Subject } from './message-attack.js'
import type { ParticipantKeys } from './participant-keys.js'
import { type Draft, type Signer, sign, signingHeaders } from './signing.js'
import { lineOf, type Send } from './wire.js'

/** What it takes to send a captured message once more. */
export interface Capture {
  readonly ring: AgentRing
  readonly keys: ParticipantKeys
  readonly send: Send
  readonly now: () => number
  /** The address of the receiver. */
  readonly to: string
  /** Gets the token that its sender shows today, where only the sender can have one. */
  readonly another?: (lives: (token: string) => boolean) => Promise<string | undefined>
}

/** Seconds that a token must still live for a twin and an attack. */
const enough = 2

/** The message as a subject of attacks, or why it is none. */
export function subjectOf(message: ShownMessage, capture: Capture): Subject | { readonly why: string } {
  const why = unfit(message) ?? outdated(message, capture)
  if (why !== undefined) return { why }
  const { method, target, headers, body } = message.request
  const shown = lineOf(headers, 'signature-key') ?? ''
  const signatureKey = readKey(shown)
  if (signatureKey === undefined) return { why: 'Its Signature-Key cannot be read.' }
  const [, list = ''] = /\(([^)]*)\)/.exec(lineOf(headers, 'signature-input') ?? '') ?? []
  const covers = [...list.matchAll(/"([a-z-]+)"/g)].map(([, name = '']) => name).filter(isKept)
  const draft: Draft = {
    method,
    to: capture.to,
    target,
    headers: headers.filter(([name]) => isKept(name)),
    body,
    covers,
  }
  const jwt = signatureKey.scheme === 'jwt' ? signatureKey.jwt : undefined
  const { exp, iat, operation_digest: approves } = claimsOf(jwt ?? '')
  if (approves !== undefined)
    return {
      why: 'A user has approved this one call, and it was made. “Change an approved call” on the scoreboard makes another one.',
    }
  return {
    draft,
    scheme: signatureKey.scheme,
    token: jwt === undefined ? undefined : { typ: String(partOf(jwt, 0)['typ']), lives: Number(exp) - Number(iat) },
    signer: () => signerOf(signatureKey, capture),
  }
}

/** What the connection and the signature add is made anew. The code of Agent-Interaction works once, and its user need not be asked again. */
const isKept = (name: string): boolean =>
  ![
    ...signingHeaders,
    'host',
    'connection',
    'content-length',
    'transfer-encoding',
    'keep-alive',
    'expect',
    'agent-interaction',
  ].includes(name.toLowerCase())

function unfit({ request, response }: ShownMessage): string | undefined {
  if (lineOf(request.headers, 'signature-key') === undefined)
    return 'It is unsigned: there is no signature to attack. Open a signed message.'
  if (response.status >= 400) return 'It was refused already. Open a message that passed.'
  if (
    request.body.endsWith('[cut]') ||
    /(?:^|[&"])(?:code|refresh_token|device_code)(?:=|"\s*:)[^&]*…/.test(request.body)
  )
    return 'Its body holds a code or a refresh token, which is shortened here: it cannot be sent again.'
  return undefined
}

/** A request whose body holds a token passes only while that token lives. */
function outdated({ request: { body } }: ShownMessage, { now }: Capture): string | undefined {
  const tokens = [...body.matchAll(/(?:^|[="])(eyJ[\w.-]{20,8192})/g)].map(([, token = '']) => token)
  return tokens.some(token => Number(claimsOf(token)['exp']) <= now() + enough)
    ? 'Its body holds a token that has ended by now. Play the story again, and attack at once.'
    : undefined
}

function readKey(value: string): SignatureKey | undefined {
  try {
    return parseSignatureKey(value).key
  } catch {
    return undefined
  }
}

/** @throws Error for a key or token that cannot be had */
async function signerOf(signatureKey: SignatureKey, capture: Capture): Promise<Signer> {
  const { keys } = capture
  if (signatureKey.scheme === 'hwk') {
    // A pseudonym is its key alone, so another key is another pseudonym with the same rights.
    const key = await generateSigningKey()
    return { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
  }
  if (signatureKey.scheme === 'jwks_uri')
    return { key: found(await keys.published(signatureKey.id, signatureKey.kid)), signatureKey }
  const { jwt } = signatureKey
  const holder = await holderOf(jwt, capture)
  return { key: holder.key, signatureKey: { scheme: 'jwt', jwt: await living(jwt, holder, capture) } }
}

function found<T>(key: T | undefined): T {
  if (key === undefined) throw new Error('The playground no longer has the key of its sender. Play the story again.')
  return key
}

/** Who holds the key that a token is bound to. */
interface Holder {
  readonly key: SigningKey
  /** How it names itself to auth servers; undefined for a delegate whose agent token is unknown. */
  readonly self?: SignatureKey | undefined
}

async function holderOf(jwt: string, { ring, keys }: Capture): Promise<Holder> {
  const jkt = await boundTo(jwt)
  const key = ring.key(jkt)
  const agentToken = ring.agentToken(jkt)
  if (key !== undefined) return { key, self: agentToken === undefined ? undefined : { scheme: 'jwt', jwt: agentToken } }
  const { id, kid, key: own } = found(await keys.withThumbprint(jkt))
  return { key: own, self: { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' } }
}

/** The token, or a fresh one of the same grant. */
async function living(jwt: string, { key, self }: Holder, capture: Capture): Promise<string> {
  const lives = (token: string): boolean => Number(claimsOf(token)['exp']) - capture.now() > enough
  if (lives(jwt)) return jwt
  if (partOf(jwt, 0)['typ'] === 'agent+jwt' && self?.scheme === 'jwt' && lives(self.jwt)) return self.jwt
  const renewal = capture.ring.renewal(jwt)
  if (renewal === undefined || self === undefined) {
    const token = await capture.another?.(lives)
    if (token !== undefined) return token
    throw new Error('Its token has ended, and only its owner gets another. Play the story again, and attack at once.')
  }
  return refresh({ ...renewal, key, signatureKey: self }, capture)
}

/** Gets an auth token by a refresh token. @throws Error when the auth server gives none */
export async function refresh(
  { issuer, refreshToken, ...signer }: Signer & { readonly issuer: string; readonly refreshToken: string },
  { send }: Pick<Capture, 'send'>,
): Promise<string> {
  const draft = form(issuer, { request_type: 'refresh', refresh_token: refreshToken })
  const { response } = await send(await sign(draft, signer))
  const { auth_token: token } = JSON.parse(response.body) as { readonly auth_token?: unknown }
  if (typeof token !== 'string')
    throw new Error('The auth server gives no fresh token: the access has ended. Play the story again.')
  return token
}
