import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import { signCheckedRequest } from '@countersign/httpsig/internal'
import { errorName, isObject, nameIn, parseJson, reasonName } from '@countersign/protocol/internal'
import { unreachableFacts } from '#post-fetch'
import { discard, isJson, readBounded } from './body.js'
import { deniedError, invalidAnswerError, type Participant, unreachableError } from './participant.js'
import { asksNoLevel, readChallenge } from './response-facts.js'
import { clockSkew, retryDelay } from './retry-after.js'

/** The body of a request: the fields of a form, or the text of a JSON document. */
export type PostContent = { readonly form: Readonly<Record<string, string>> } | { readonly json: string }

/** A request to a token endpoint of any participant. */
export interface PostRequest {
  readonly to: Participant
  readonly url: string
  /** Default: a request without body. */
  readonly content?: PostContent
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
  /** `same-origin` lets a browser send the page's cookies, to the page's own origin only. Default: no cookies. */
  readonly credentials?: 'same-origin'
}

/**
 * Posts to a token endpoint and returns the members of its 200 answer.
 * @throws AgentError `unreachable`, `denied` (its cause tells status and error), `invalid_answer`
 */
export type SignedPost = (request: PostRequest) => Promise<Readonly<Record<string, unknown>>>

/** The longest answer of a token endpoint, in bytes. It holds a few tokens; anything longer is an attack on memory. */
const maxAnswer = 65_536
/** In milliseconds. */
const timeout = 15_000

/** The options of a request to a token endpoint. */
export interface PostInit {
  readonly method: 'POST'
  readonly headers: Array<[name: string, value: string]>
  readonly redirect: 'manual'
  readonly credentials: 'omit' | 'same-origin'
  readonly body?: Uint8Array<ArrayBuffer>
  readonly signal: AbortSignal
}

/** Sends token requests. */
export type PostFetch = (url: string, init: PostInit) => Promise<Response>

/** The parts of an agent that token requests need. */
export interface PostContext {
  readonly fetch: PostFetch
  readonly now: () => number
  readonly sleep: (seconds: number) => Promise<void>
}

export function signedPost(context: PostContext): SignedPost {
  return async request => {
    const first = await send(request, context)
    const { status, headers } = first
    // Repeated only when nothing was done for the request: any other answer may have spent a code or refresh token (protocol §3.7).
    const isUnprocessed = status === 503 && asksNoLevel(readChallenge(headers.get('agent-auth')))
    const wait = isUnprocessed ? retryDelay(headers.get('retry-after')) : undefined
    if (wait === undefined) return checkAnswer(request, first, context)
    discard(first)
    await context.sleep(wait)
    return checkAnswer(request, await send(request, context), context)
  }
}

async function send(request: PostRequest, context: PostContext): Promise<Response> {
  const { url, content, key, signatureKey, credentials = 'omit' } = request
  const { type, ...sent } = content === undefined ? { type: [] } : encodeContent(content)
  const plain: Array<[string, string]> = [['accept', 'application/json'], ...type]
  const signature = await signCheckedRequest({
    method: 'POST',
    url,
    headers: plain,
    key,
    signatureKey,
    now: context.now,
    ...sent,
  })
  const headers = [...plain, ...signature].map(([name, value]): [string, string] => [name, value])
  // No redirects: a signed body must not go to another host. No cookies of the page by default.
  const own = { method: 'POST', redirect: 'manual', credentials } as const
  const init = { ...own, headers, ...sent, signal: AbortSignal.timeout(timeout) }
  try {
    return await context.fetch(url, init)
  } catch (error) {
    throw unreachableError(request.to, { ...unreachableFacts(error), origin: new URL(url).origin })
  }
}

function encodeContent(content: PostContent): {
  readonly type: Array<[string, string]>
  readonly body: Uint8Array<ArrayBuffer>
} {
  const [type, text] =
    'form' in content
      ? ['application/x-www-form-urlencoded', new URLSearchParams(content.form).toString()]
      : ['application/json', content.json]
  return { type: [['content-type', type]], body: new TextEncoder().encode(text) }
}

async function checkAnswer(
  { to, url }: PostRequest,
  response: Response,
  context: PostContext,
): Promise<Readonly<Record<string, unknown>>> {
  const { status } = response
  const { origin } = new URL(url)
  if (status >= 500) {
    discard(response)
    throw unreachableError(to, { origin, status })
  }
  const json = await readJson(to, origin, response)
  if (status === 200) {
    // An HTML page is not a token answer, whatever it contains.
    if (json === undefined) throw invalidAnswerError(to, 'content-type')
    return json
  }
  if (status < 400) throw invalidAnswerError(to, 'status', `status ${status}`)
  const error = nameIn(json?.['error'], errorName)
  const reason = nameIn(json?.['reason'], reasonName)
  const skew = error === 'invalid_signature' ? clockSkew(response.headers.get('date'), context.now()) : undefined
  throw deniedError(to, {
    status,
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
    ...(skew === undefined ? {} : { skew }),
  })
}

async function readJson(
  to: Participant,
  origin: string,
  response: Response,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!isJson(response.headers.get('content-type'))) {
    discard(response)
    return undefined
  }
  const bytes = await readBounded(response, maxAnswer).catch(error => {
    throw unreachableError(to, { ...unreachableFacts(error), origin })
  })
  if (bytes === undefined) throw invalidAnswerError(to, 'size')
  try {
    const value = parseJson(bytes, { maxBytes: maxAnswer })
    if (isObject(value)) return value
  } catch {
    // Thrown below, without the bytes of the other party.
  }
  throw invalidAnswerError(to, 'json')
}
