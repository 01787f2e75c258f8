import type { Discovery } from '@countersign/discovery'
import { guardedFetch } from '@countersign/discovery/node'
import { signRequest } from '@countersign/httpsig'
import type { OwnKeys } from '@countersign/store/internal'
import type { NoticeRow } from '../tables/revocation-tables.js'

/** What became of one delivery. `failed`: it is tried again. */
export interface NoticeAnswer {
  readonly outcome: 'told' | 'no_endpoint' | 'failed'
  /** Status of the answer; null where there was none. */
  readonly status: number | null
}

/** Tells a resource that a grant has ended. Never rejects. */
export type SendNotice = (notice: Pick<NoticeRow, 'resource' | 'grant_name' | 'exp'>) => Promise<NoticeAnswer>

/** What notices are signed and sent with. */
export interface NoticeSender {
  readonly issuer: string
  readonly keys: Pick<OwnKeys, 'signing'>
  readonly discovery: Discovery
  readonly now: () => number
  readonly development: boolean
  /** Default: to public addresses only. */
  readonly fetch?: typeof fetch | undefined
}

/** Seconds for connection, request and answer together. */
const timeout = 5
/** Bytes of an answer: nothing in it is needed. */
const maxBytes = 4096

/**
 * Sends notices, each signed by the published key of this server as an agent. Redirects are not followed.
 * @see protocol §6.6
 */
export function noticeSender(sender: NoticeSender): SendNotice {
  const post = sender.fetch ?? guardedPost(sender.development)
  return async notice => {
    try {
      const { revocation_endpoint: url } = await sender.discovery.resource(notice.resource)
      if (url === undefined) return { outcome: 'no_endpoint', status: null }
      const { status } = await post(url, await signedNotice(url, notice, sender))
      return { outcome: status === 204 ? 'told' : 'failed', status }
    } catch {
      // Unreachable, or not readable: the cause is the other party's.
      return { outcome: 'failed', status: null }
    }
  }
}

function guardedPost(development: boolean): typeof fetch {
  return guardedFetch({ dangerouslyAllowLoopback: development, timeout, maxBytes }) as unknown as typeof fetch
}

async function signedNotice(
  url: string,
  { grant_name, exp }: Pick<NoticeRow, 'grant_name' | 'exp'>,
  { issuer, keys, now }: NoticeSender,
): Promise<RequestInit> {
  const body = new TextEncoder().encode(new URLSearchParams({ grant: grant_name, exp: String(exp) }).toString())
  const { kid, key } = await keys.signing()
  const plain: Array<[string, string]> = [['content-type', 'application/x-www-form-urlencoded']]
  const signature = await signRequest({
    method: 'POST',
    url,
    headers: plain,
    body,
    key,
    signatureKey: { scheme: 'jwks_uri', id: issuer, kid, dwk: 'aauth-agent' },
    now,
  })
  const headers = [...plain, ...signature].map(([name, value]): [string, string] => [name, value])
  return { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(timeout * 1000) }
}
