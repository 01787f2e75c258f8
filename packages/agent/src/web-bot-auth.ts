import {
  type HttpRequestMessage,
  type SigningKey,
  signMessage,
  thumbprint,
  writeContentDigest,
} from '@countersign/httpsig'
import { registeredName, requiredComponents } from '@countersign/httpsig/internal'
import { isIdentifier } from '@countersign/protocol'
import {
  botDirectoryPath,
  botHeader,
  botTag,
  checkIdentifier,
  checkIdentifierList,
  checkOptions,
  isAmong,
  type OptionCheck,
  type OptionChecks,
  wrongOption,
} from '@countersign/protocol/internal'
import type { BotRequest, Line, WebBotAuth } from './fetch/climb-context.js'

export type { SigningKey } from '@countersign/httpsig'
export type { BotRequest, Line, WebBotAuth } from './fetch/climb-context.js'

/** The options of {@link webBotAuth}. */
export interface WebBotAuthOptions {
  /** The origin whose directory has the key: the identifier of an agent server with `webBotAuth`, say. */
  readonly signatureAgent: string
  /**
   * The key, or a function that is asked for it at each request, since keys rotate. It must not be a key by which the agent is known
   * in AAuth.
   */
  readonly key: SigningKey | (() => SigningKey | Promise<SigningKey>)
  /** The origins that learn whose bot it is: exact, `https://*.host`, or `'any'`. They can link its requests, pseudonymous ones too. */
  readonly to: 'any' | readonly string[]
  /**
   * How `Signature-Agent` is written. `string` (default): the origin as one String, which deployed verifiers read. `dictionary`: the URL
   * of the directory, under the label of the signature, as later drafts have it.
   */
  readonly spelling?: 'string' | 'dictionary'
  /** Accepts loopback http origins. Default false. */
  readonly development?: boolean
}

const keyCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'function' && typeof Object(value).sign !== 'function')
    throw wrongOption(place, 'a signing key, or a function that returns one')
}

const checks: OptionChecks<WebBotAuthOptions> = {
  signatureAgent: 'string',
  key: keyCheck,
  to: 'any',
  spelling: ['string', 'dictionary'],
  development: 'boolean',
}

/** Seconds that a signature is good for. */
const lifetime = 60
const label = 'wba'

/**
 * Makes an agent a verified bot, too (Web Bot Auth), for `webBotAuth` of `createAgent`: it adds `Signature-Agent` and a second label
 * to requests to these origins. The agent's own signature stays the selected one. It does not cover `Signature-Agent`, so that a proxy
 * may take the bot's part off; the bot's covers the whole request, so that its part is worth nothing without the rest.
 * @throws TypeError for an option that is wrong
 * @see protocol §3.8
 * @example
 * ```ts
 * import { createAgent, pseudonym } from '@countersign/agent'
 * import { webBotAuth } from '@countersign/agent/web-bot-auth'
 * import { keysFile } from '@countersign/server'
 *
 * const [bot] = await keysFile('bot-keys.json')
 * const agent = createAgent({
 *   identity: pseudonym(),
 *   webBotAuth: webBotAuth({ signatureAgent: 'https://agent.example', key: bot.key, to: 'any' }),
 * })
 * ```
 */
export function webBotAuth(options: WebBotAuthOptions): WebBotAuth {
  checkOptions('webBotAuth', options, checks, ['signatureAgent', 'key', 'to'])
  const { signatureAgent, key, to, spelling = 'string', development = false } = options
  checkIdentifier('signatureAgent', signatureAgent, { development })
  if (typeof to === 'function') throw new TypeError("to must be 'any' or an array of origins")
  checkIdentifierList(to, { development })
  const own = to === 'any' ? to : [...to]
  const isTold = (origin: string): boolean =>
    isIdentifier(origin, { development }) && (own === 'any' || isAmong(own, origin))
  const isWhole = spelling === 'string'
  const value = isWhole ? `"${signatureAgent}"` : `${label}="${signatureAgent}${botDirectoryPath}"`
  const component = isWhole ? botHeader : `"${botHeader}";key="${label}"`
  return {
    headers: origin => (isTold(origin) ? [[botHeader, value]] : []),
    async sign(request, now) {
      if (!isTold(request.url.origin)) return []
      return signAsBot(request, { key: typeof key === 'function' ? await key() : key, component, now })
    },
  }
}

interface Signing {
  readonly key: SigningKey
  /** The spelling of `signature-agent` that is covered. */
  readonly component: string
  readonly now: () => number
}

async function signAsBot(request: BotRequest, { key, component, now }: Signing): Promise<Line[]> {
  const added = await digestOf(request)
  const message = messageOf(request, added)
  const created = Math.floor(now())
  const signed = await signMessage({
    message,
    key,
    label,
    components: [...componentsOf(message), component],
    params: {
      created,
      expires: created + lifetime,
      keyid: await thumbprint(key.publicJwk),
      alg: registeredName(key.algorithm),
      nonce: freshNonce(),
      tag: botTag,
    },
  })
  return [...added, ...signed]
}

/** A request that no agent signs has no digest yet. */
async function digestOf({ headers, body }: BotRequest): Promise<Line[]> {
  if (body === undefined || body.length === 0 || has(headers, 'content-digest')) return []
  return [['content-digest', await writeContentDigest(body)]]
}

/**
 * All that an agent covers, `signature-key` where there is one. Without it, what a thief leaves of a request by taking the agent's
 * signature off would be one more request, of the bot.
 */
function componentsOf({ target, headers, body }: HttpRequestMessage): string[] {
  const names = requiredComponents({
    hasQuery: target.includes('?'),
    hasBody: (body?.length ?? 0) > 0,
    additional: [],
    has: () => false,
  })
  return names.filter(name => name !== 'signature-key' || has(headers, name))
}

function has(headers: ReadonlyArray<Line>, wanted: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === wanted)
}

function messageOf({ method, url, headers, body }: BotRequest, added: readonly Line[]): HttpRequestMessage {
  return {
    method,
    target: url.pathname + url.search,
    authority: url.host,
    headers: [...headers, ...added],
    scheme: url.protocol === 'http:' ? 'http' : 'https',
    ...(body === undefined ? {} : { body }),
  }
}

/** 64 random bytes, as the drafts have it. */
function freshNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(64))))
}
