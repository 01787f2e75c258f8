import { readToken } from '../signing/token.js'
import type { Reply, Visit } from './origin.js'
import type { Participant } from './participant.js'

/** A request to the token endpoint of the suite's auth server. */
export interface TokenRequest {
  readonly form: Readonly<Record<string, string>>
  readonly visit: Visit
}

/** Answers a token request. */
export type TokenAnswer = (request: TokenRequest) => Reply | Promise<Reply>

/** The token endpoint that all calls of an agent share: each is known by a mark that its tokens and codes have. */
export interface TokenDesk {
  /** Takes the requests of one call, until it is closed. */
  open(mark: string, answer: TokenAnswer): () => void
}

/** Opens the token endpoint of an auth server of the suite. */
export function openTokenDesk({ origin }: Participant): TokenDesk {
  const calls = new Map<string, TokenAnswer>()
  origin.answer('/agent/token', async visit => {
    const form = Object.fromEntries(new URLSearchParams(visit.body.toString('utf8')))
    const marks = Object.values(form).flatMap(marksIn)
    const mark = [...calls.keys()].find(one => marks.some(text => text.includes(one)))
    return (mark === undefined ? undefined : await calls.get(mark)?.({ form, visit })) ?? tokenError('invalid_grant')
  })
  return {
    open(mark, answer) {
      calls.set(mark, answer)
      return () => void calls.delete(mark)
    },
  }
}

/** A value, and what stands in it where it is a token. */
function marksIn(value: string): string[] {
  return [value, String(readToken(value)?.claims['jti'])]
}

/** A refusal of the auth server. */
export function tokenError(error: string, status = 400): Reply {
  return tokenJson({ error, reason: error, error_description: 'a test' }, status)
}

/** An answer of the auth server. */
export function tokenJson(body: object, status = 200): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  }
}
