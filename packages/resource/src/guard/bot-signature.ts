import { type HttpRequestMessage, headerValues, type ReceivedMessage, requestMessage } from '@countersign/httpsig'
import {
  chooseAuthority,
  componentValue,
  hasBody,
  httpSigRefusal,
  signaturesTagged,
} from '@countersign/httpsig/internal'
import { botHeader, botNamed, botTag, refusal } from '@countersign/protocol/internal'
import { hasBearer } from './bearer.js'
import { signatureComponents } from './components.js'
import { hasSafeMethod } from './unsafe.js'

/** What signatures of bots are judged by. */
export interface BotRules {
  /** The authorities that the resource answers under. */
  readonly authorities: readonly string[]
  readonly scheme: 'https' | 'http'
  /** Seconds that `created` may differ from now. */
  readonly tolerance: number
  /** Unix seconds. */
  readonly now: () => number
  readonly development: boolean
}

/** The signature of a bot: its form is right, and nothing of it is verified. */
export interface BotSignature {
  /** The bot that it names: the origin of its directory. */
  readonly bot: string
  readonly label: string
  readonly keyid: string
  /** Unix seconds. */
  readonly created: number
  /** Unix seconds. */
  readonly expires: number
  /** Its components, as the message must cover them. */
  readonly required: readonly string[]
  /** With one, a request passes only once. */
  readonly nonce: string | undefined
  readonly message: HttpRequestMessage
}

/**
 * Whether a request is to be judged as a bot's. Never one with a bearer token: a client whose token fails must not get in as something
 * else. The request is unsigned in AAuth, so that its signature headers can be read.
 */
export function hasBotSignature(message: ReceivedMessage): boolean {
  if (headerValues(message, 'signature-input').length === 0 || hasBearer(message)) return false
  return signaturesTagged(message.headers, botTag).length > 0
}

/**
 * Reads the signature of a bot, before anything is fetched for it.
 * @param components what the route demands beyond the usual components
 * @throws AAuthError, HttpSigError `invalid_signature`
 * @see protocol §3.8
 */
export function readBotSignature(
  received: ReceivedMessage,
  components: readonly string[],
  rules: BotRules,
): BotSignature {
  const { authorities, scheme, development } = rules
  const [signature, ...more] = signaturesTagged(received.headers, botTag)
  // bot.one
  if (signature === undefined || more.length > 0) throw refusal('bot_signature_repeated')
  const { label, params } = signature
  const { keyid, nonce } = params
  const { created, expires } = checkBotTimes(params, rules)
  // Any other name could be that of several keys.
  if (keyid === undefined || !/^[A-Za-z0-9_-]{43}$/.test(keyid))
    // bot.parameters
    throw refusal('bot_parameter_malformed', { about: 'keyid must be the thumbprint of the key' })
  // The digest is compared once the body is read.
  const { unread: _, ...head } = received
  const message = requestMessage(head, { scheme, authority: chooseAuthority(received, authorities, scheme) })
  const component = agentComponent(signature.components)
  const bot = botNamed(/^"([^"\\]*)"$/.exec(componentValue(message, component))?.[1], { development })
  // bot.agent
  if (bot === undefined) throw refusal('bot_agent_malformed')
  const isBound = changes(received) || hasBody(received)
  // One that covers the authority alone could be put on any method, path and body that its capturer likes (bot.unsafe).
  const needed = isBound ? boundComponents(received, components) : ['@authority']
  checkCovered(signature.components, needed)
  if (isBound && (nonce === undefined || nonce === ''))
    throw refusal('bot_parameter_malformed', { about: 'a request that may change something needs a nonce' })
  const required = [...needed, component]
  return { bot, label, keyid, created, expires, required, message, nonce }
}

/** A handshake that changes the protocol of a connection is no safe request. */
function changes(message: ReceivedMessage): boolean {
  return !hasSafeMethod(message) || headerValues(message, 'upgrade').length > 0
}

function boundComponents(message: ReceivedMessage, components: readonly string[]): string[] {
  return signatureComponents(message, components).filter(name => name !== 'signature-key')
}

/** When a signature was made, and when it ends, Unix seconds. */
export type BotTimes = Pick<BotSignature, 'created' | 'expires'>

/**
 * Strictly by `created`, whatever `expires` says: a captured signature is worth something for as long as it is accepted (bot.time).
 * @throws AAuthError, HttpSigError
 */
export function checkBotTimes(
  { created, expires }: Partial<BotTimes>,
  { now: clock, tolerance }: Pick<BotRules, 'now' | 'tolerance'>,
): BotTimes {
  const now = Math.floor(clock())
  if (created === undefined) throw httpSigRefusal('created_missing')
  if (created > now + tolerance) throw httpSigRefusal('created_in_future')
  if (now - created > tolerance) throw httpSigRefusal('created_too_old')
  if (expires === undefined) throw refusal('bot_parameter_malformed', { about: 'expires is missing' })
  if (expires < created) throw httpSigRefusal('expires_before_created')
  if (now > expires) throw httpSigRefusal('signature_expired')
  return { created, expires }
}

/** The one `signature-agent` that is covered, whole or by its member: a claim that is not covered can be anybody's. */
function agentComponent(components: readonly string[]): string {
  const [component, ...more] = components.filter(name => name.startsWith(`"${botHeader}"`))
  if (
    component === undefined ||
    more.length > 0 ||
    !/^"signature-agent"(?:;key="[a-z*][a-z0-9_.*-]{0,63}")?$/.test(component)
  )
    throw refusal('bot_agent_malformed', {
      about: 'the signature must cover signature-agent once, whole or by one key',
    })
  return component
}

function checkCovered(components: readonly string[], needed: readonly string[]): void {
  const missing = needed.find(name => !components.includes(`"${name}"`))
  if (missing !== undefined)
    throw httpSigRefusal('component_not_covered', { about: missing, cause: { component: missing } })
}
