import { type SigningKey, signMessage, thumbprint, writeContentDigest } from '@countersign/httpsig'
import { registeredName } from '@countersign/httpsig/internal'
import { authorityOf, type PublicKeyEntry, type PublishedKey } from '@countersign/protocol'
import {
  botDirectoryPath,
  botDirectoryTag,
  botDirectoryType,
  schemeOf,
  textResponse,
} from '@countersign/protocol/internal'

/** The keys by which bots of the agent are known (Web Bot Auth). */
export interface WebBotKeys {
  /**
   * The keys, or a function that is asked for them, since keys rotate. All are published, each under its thumbprint; those that
   * sign requests are with the bots (`webBotAuth` of `@countersign/agent/web-bot-auth`). None may be one of the server's own `keys`.
   * At most 8.
   */
  readonly keys: readonly PublishedKey[] | (() => readonly PublishedKey[] | Promise<readonly PublishedKey[]>)
}

/** What a directory is made of. */
export interface BotDirectoryParts {
  readonly id: string
  readonly keys: WebBotKeys['keys']
  /** The keys of the JWKS. */
  readonly own: () => Promise<readonly PublicKeyEntry[]>
  /** Unix seconds. */
  readonly now: () => number
}

/** Seconds that a signed response is given to all who ask: signing for each of them would cost more than asking. */
const remembered = 60
/** Seconds that its signatures are good for: longer than caches keep it. */
const lifetime = 3600
/** Each adds a member to two headers. */
const mostKeys = 8

/** Answers with the directory. @see protocol §3.8 */
export function botDirectory(parts: BotDirectoryParts): () => Promise<Response> {
  let last: { readonly made: Promise<Made>; readonly names: string; readonly at: number } | undefined
  return async () => {
    const now = parts.now()
    const keys = await keysNow(parts)
    const names = keys.map(({ name }) => name).join()
    if (last === undefined || last.names !== names || now < last.at || now - last.at >= remembered) {
      const made = signedDirectory(keys, parts.id, Math.floor(now))
      const one = { made, names, at: now }
      last = one
      made.catch(() => {
        if (last === one) last = undefined
      })
    }
    const { body, headers } = await last.made
    return textResponse(body, { headers })
  }
}

interface NamedKey {
  readonly key: SigningKey
  /** Its thumbprint. */
  readonly name: string
}

/**
 * @throws TypeError for keys that no directory can have
 */
export async function keysNow({ keys, own }: Pick<BotDirectoryParts, 'keys' | 'own'>): Promise<NamedKey[]> {
  const given = typeof keys === 'function' ? await keys() : keys
  const named = await Promise.all(given.map(async ({ key }) => ({ key, name: await thumbprint(key.publicJwk) })))
  const names = named.map(({ name }) => name)
  if (names.length === 0 || names.length > mostKeys || names.some((name, at) => names.indexOf(name) !== at))
    throw new TypeError(`webBotAuth must have 1 to ${mostKeys} different keys`)
  // Crawlers hold these keys: who steals one must not be able to issue agent tokens, nor sign as the agent (bot.own-keys).
  for (const { key } of await own())
    if (names.includes(await thumbprint(key.publicJwk)))
      throw new TypeError("a key of webBotAuth is one of the server's own keys: make another one for bots")
  return named
}

interface Made {
  readonly body: string
  readonly headers: Record<string, string>
}

async function signedDirectory(keys: readonly NamedKey[], id: string, created: number): Promise<Made> {
  const jwks = keys.map(({ key, name }) => ({
    ...key.publicJwk,
    alg: registeredName(key.algorithm),
    kid: name,
    use: 'sig',
  }))
  const body = JSON.stringify({ keys: jwks })
  const digest = await writeContentDigest(new TextEncoder().encode(body))
  const headers = [['content-digest', digest] as const]
  const request = {
    method: 'GET',
    target: botDirectoryPath,
    scheme: schemeOf(id),
    authority: authorityOf(id),
    headers: [],
  }
  const signed = await Promise.all(
    keys.map(({ key, name }, at) =>
      signMessage({
        message: { status: 200, headers, request },
        key,
        label: `binding${at}`,
        components: ['"@authority";req', 'content-digest'],
        params: {
          created,
          expires: created + lifetime,
          keyid: name,
          alg: registeredName(key.algorithm),
          tag: botDirectoryTag,
        },
      }),
    ),
  )
  const joined = (header: string): string =>
    signed.flatMap(lines => lines.filter(([name]) => name === header).map(([, value]) => value)).join(', ')
  return {
    body,
    headers: {
      'content-type': botDirectoryType,
      'cache-control': 'public, max-age=300',
      'content-digest': digest,
      'signature-input': joined('signature-input'),
      signature: joined('signature'),
    },
  }
}
