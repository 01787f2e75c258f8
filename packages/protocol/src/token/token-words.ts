import type { WellKnownDocument } from '../term/identifier.js'
import { type AgentTokenClaims, checkAgentToken } from './agent-token.js'
import { type AuthTokenClaims, checkAuthToken } from './auth-token.js'
import { checkResourceToken, type ResourceTokenClaims } from './resource-token.js'
import type { ParsedToken, TokenType } from './token.js'

// What the tables of protocol §5 say, for tools that show tokens to people. Participants verify without it.

/** What one claim says, and who checks it. */
export interface ClaimWords {
  /** What it says, without a full stop. */
  readonly meaning: string
  /** Who checks it beyond its type and form; absent: nobody. */
  readonly checkedBy?: string
  /** The clause of docs/protocol.md that is about it. */
  readonly clause: string
}

/** What one type of token is. */
export interface TokenWords {
  readonly name: 'agent token' | 'resource token' | 'auth token'
  /** Who issues and signs it, with an article. */
  readonly issuer: string
  /** What it says, in one sentence without a full stop. */
  readonly says: string
  /** The document of its issuer, whose `jwks_uri` has the keys. */
  readonly publishedIn: WellKnownDocument
  /** Its claims, in the order of the protocol. */
  readonly claims: Readonly<Record<string, ClaimWords>>
}

const times = 'token.times'
const jti: ClaimWords = { meaning: 'its own id', clause: 'token.claims' }

/** The types of tokens in words. */
export const tokenWords: Readonly<Record<TokenType, TokenWords>> = {
  'agent+jwt': {
    name: 'agent token',
    issuer: 'the agent (its agent server)',
    says: 'this key is that of this delegate',
    publishedIn: 'aauth-agent',
    claims: {
      iss: {
        meaning: 'issued by the agent (its agent server)',
        checkedBy: 'every receiver',
        clause: 'token.agent.claims',
      },
      sub: { meaning: 'the delegate', clause: 'token.agent.sub' },
      cnf: {
        meaning: 'the key of the delegate: its holder must sign with it',
        checkedBy: 'every receiver: it signed the request',
        clause: 'token.binding',
      },
      iat: { meaning: 'when it was issued', checkedBy: 'every receiver', clause: times },
      exp: { meaning: 'when it ends', checkedBy: 'every receiver', clause: times },
      jti,
      aud: {
        meaning: 'the receivers that may accept it; all when it is absent',
        checkedBy: 'every receiver',
        clause: 'token.agent.aud',
      },
      delegation: {
        meaning: 'what the delegate may be used for',
        checkedBy: 'every receiver',
        clause: 'token.policy',
      },
    },
  },
  'resource+jwt': {
    name: 'resource token',
    issuer: 'the resource',
    says: 'this agent, under this key, needs this scope here',
    publishedIn: 'aauth-resource',
    claims: {
      iss: {
        meaning: 'issued by the resource',
        checkedBy: 'the agent (§4), the auth server',
        clause: 'token.resource.claims',
      },
      aud: {
        meaning: 'the auth server it is for',
        checkedBy: 'the agent, the auth server (§6.2)',
        clause: 'token.resource.claims',
      },
      agent: {
        meaning: 'the agent it was issued to',
        checkedBy: 'the agent, the auth server',
        clause: 'token.resource.claims',
      },
      agent_delegate: {
        meaning: 'the delegate of that agent',
        checkedBy: 'the agent, the auth server',
        clause: 'token.resource.claims',
      },
      agent_jkt: {
        meaning: 'thumbprint of the key that signed the request it was issued to',
        checkedBy: 'the agent, the auth server',
        clause: 'token.resource.bound',
      },
      scope: { meaning: 'what is asked for', checkedBy: 'the auth server', clause: 'token.resource.request' },
      auth_request_url: {
        meaning: 'a document that says what is asked for',
        checkedBy: 'the auth server',
        clause: 'token.resource.request',
      },
      iat: { meaning: 'when it was issued', checkedBy: 'the auth server', clause: times },
      exp: { meaning: 'when it ends', checkedBy: 'the auth server', clause: times },
      jti,
      sub: {
        meaning: 'the user whose approval is asked for',
        checkedBy: 'the auth server',
        clause: 'token.resource.claims',
      },
      operation: {
        meaning: 'the one request that its user is asked to approve',
        checkedBy: 'the agent: its digest; the auth server',
        clause: 'token.resource.claims',
      },
      txn: { meaning: 'follows one user action across parties', clause: 'token.claims' },
    },
  },
  'auth+jwt': {
    name: 'auth token',
    issuer: 'the auth server',
    says: 'this agent, under this key, may do this at that resource, for that user',
    publishedIn: 'aauth-issuer',
    claims: {
      iss: {
        meaning: 'issued by the auth server',
        checkedBy: 'the agent (§6.4), the resource',
        clause: 'token.auth.claims',
      },
      aud: { meaning: 'the resource it is for', checkedBy: 'the agent, the resource', clause: 'token.auth.aud' },
      agent: {
        meaning: 'the agent it was issued to; absent when that is the resource itself',
        checkedBy: 'the agent, the resource',
        clause: 'token.auth.agent-absent',
      },
      agent_delegate: { meaning: 'the delegate of that agent', checkedBy: 'the agent', clause: 'token.auth.claims' },
      cnf: {
        meaning: 'the key of the agent: its holder must sign with it',
        checkedBy: 'the agent; the resource: it signed the request',
        clause: 'token.binding',
      },
      iat: { meaning: 'when it was issued', checkedBy: 'the agent, the resource', clause: times },
      exp: { meaning: 'when it ends', checkedBy: 'the agent, the resource', clause: times },
      jti,
      grant: {
        meaning: 'the grant it is of, which can be revoked',
        checkedBy: 'the resource: not revoked',
        clause: 'token.auth.claims',
      },
      sub: {
        meaning: 'the user, as this issuer names them',
        checkedBy: 'the agent (scope), the resource',
        clause: 'token.auth.claims',
      },
      scope: {
        meaning: 'what it allows',
        checkedBy: 'the agent (scope), the resource',
        clause: 'token.auth.claims',
      },
      act: {
        meaning: 'who acted before, the latest outermost',
        checkedBy: 'the resource',
        clause: 'token.auth.claims',
      },
      purpose: { meaning: 'the purpose that was stated', clause: 'token.claims' },
      purposes: {
        meaning: 'what it may be used for, as the receiver names it',
        checkedBy: 'the resource',
        clause: 'token.auth.claims',
      },
      constraints: {
        meaning: 'the conditions under which the grant holds',
        checkedBy: 'the resource',
        clause: 'token.policy',
      },
      operation_digest: {
        meaning: 'the one request that its user has approved, for which alone it is',
        checkedBy: 'the agent: that it is its own; the resource',
        clause: 'approval.token',
      },
      txn: { meaning: 'follows one user action across parties', clause: 'token.claims' },
    },
  },
}

/**
 * Checks the claims of a parsed token as its receiver does.
 * @param now Unix seconds
 * @param receiver the receiver; default the one that `aud` names, so that any right token passes
 * @throws AAuthError as the check of its type
 */
export function checkTokenClaims(
  parsed: ParsedToken,
  now: number,
  receiver?: string,
): AgentTokenClaims | AuthTokenClaims | ResourceTokenClaims {
  const { aud } = parsed.payload
  const [first] = Array.isArray(aud) ? aud : [aud]
  const audience = receiver ?? String(first)
  if (parsed.typ === 'agent+jwt') return checkAgentToken(parsed, { now, receiver: audience })
  if (parsed.typ === 'auth+jwt') return checkAuthToken(parsed, { now, audience })
  return checkResourceToken(parsed, { now, audience })
}
