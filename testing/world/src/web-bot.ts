import type { FetchedDocument, Fetcher } from '@countersign/discovery'
import { generatePrivateJwk, type PrivateJwk, type ReceivedMessage } from '@countersign/httpsig'
import { directoryResponseHeaders, signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'

// A bot as the npm package `web-bot-auth` makes one: nothing here is of this project.

/** A request of a bot, before it is signed. */
export interface BotRequest {
  /** What it is signed for. */
  readonly origin: string
  readonly target?: string
  readonly method?: string
  /** Beside `Host` and `Signature-Agent`. */
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  /** Default `@authority` and `signature-agent`. */
  readonly components?: readonly string[]
  /** What `Signature-Agent` says. Default the bot, as a String. */
  readonly agent?: string
  /** Unix seconds. */
  readonly created: number
  /** Seconds after `created`. Default 60. */
  readonly lifetime?: number
}

/** What a directory answers. */
export interface Published {
  /** Default those of the bot. */
  readonly jwks?: readonly PrivateJwk[]
  /** Whose signatures the response has. Default those of `jwks`. */
  readonly signedBy?: readonly PrivateJwk[]
  /** The host that is signed for. Default the bot's. */
  readonly host?: string
  /** Unix seconds. */
  readonly created: number
  readonly members?: Readonly<Record<string, unknown>>
}

/** A bot with one key. */
export interface Bot {
  readonly id: string
  readonly jwk: PrivateJwk
  sign(request: BotRequest): Promise<ReceivedMessage>
  /** The response of its directory. */
  directory(published: Published): Promise<FetchedDocument>
}

/** Where a bot publishes its keys. */
export const directoryOf = (id: string): string => `${id}/.well-known/http-message-signatures-directory`

/** A bot of this origin, with a fresh key. */
export async function makeBot(id: string): Promise<Bot> {
  const jwk = await generatePrivateJwk()
  return {
    id,
    jwk,
    async sign({
      origin,
      target = '/',
      method = 'GET',
      headers = [],
      body,
      components,
      agent,
      created,
      lifetime = 60,
    }) {
      const sent: Array<readonly [string, string]> = [...headers, ['signature-agent', agent ?? `"${id}"`]]
      const request = { method, url: origin + target, headers: Object.fromEntries(sent) }
      const times = { created: new Date(created * 1000), expires: new Date((created + lifetime) * 1000) }
      const signed = await signatureHeaders(request, await signerFromJWK({ ...jwk }), {
        ...times,
        ...(components === undefined ? {} : { components: [...components] }),
      })
      const added = Object.entries(signed).map(([name, value]) => [name.toLowerCase(), String(value)] as const)
      const content = body === undefined ? {} : { body: new TextEncoder().encode(body) }
      return { method, target, headers: [['host', new URL(origin).host], ...sent, ...added], ...content }
    },
    async directory({ jwks = [jwk], signedBy = jwks, host = new URL(id).host, created, members = {} }) {
      const keys = jwks.map(({ d: _, ...key }) => ({ ...key, alg: 'ed25519', use: 'sig', ...members }))
      const contentType = 'application/http-message-signatures-directory+json'
      const response = { status: 200, headers: { 'content-type': contentType } }
      const request = { method: 'GET', url: directoryOf(`https://${host}`), headers: {} }
      const signers = await Promise.all(signedBy.map(key => signerFromJWK({ ...key })))
      const times = { created: new Date(created * 1000), expires: new Date((created + 60) * 1000) }
      const signed = signers.length === 0 ? {} : await directoryResponseHeaders({ response, request }, signers, times)
      const headers = Object.entries(signed).map(([name, value]) => [name, String(value)] as const)
      return { status: 200, contentType, headers, body: new TextEncoder().encode(JSON.stringify({ keys })) }
    },
  }
}

/** A fetcher of these directories, by URL; of others it gets a 404. */
export function directoriesFetcher(
  directories: ReadonlyMap<string, FetchedDocument | Error>,
  fetched: string[] = [],
): Fetcher {
  return async url => {
    fetched.push(url)
    const answer = directories.get(url) ?? { status: 404, contentType: 'text/plain', body: new Uint8Array() }
    if (answer instanceof Error) throw answer
    return answer
  }
}
