import type { Discovery } from '@countersign/discovery'
import type { VerifiedToken } from './verified-tokens.js'

/** What the functions among the lists have said of the one issuer and the one agent of a request. */
export interface Answers {
  agents?: Answer
  authServers?: Answer
}

interface Answer {
  readonly identifier: string
  readonly isListed: boolean
}

/** What one request has asked others so far. */
export interface Asked {
  /** With the fetch budget of the request. */
  readonly discovery: Discovery
  readonly answers: Answers
  /** The token that it came with, once verified: by its head, and for its body then. */
  token?: { readonly jwt: string; readonly verified: VerifiedToken }
}
