import type { Discovery } from '@countersign/discovery'
import type { VerifiedToken } from './verified-tokens.js'

/** The answers of lists that are functions, for the one issuer and the one agent of a request. */
export interface ListAnswers {
  agents?: ListAnswer
  authServers?: ListAnswer
}

interface ListAnswer {
  readonly identifier: string
  readonly isListed: boolean
}

/** The lookups of one request so far, so that none is repeated for its body. */
export interface RequestLookups {
  /** With the fetch budget of the request. */
  readonly discovery: Discovery
  readonly listAnswers: ListAnswers
  /** The token of the request, once it is verified. */
  token?: { readonly jwt: string; readonly verified: VerifiedToken }
}
