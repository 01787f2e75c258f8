import type { Discovery } from '@countersign/discovery'
import { missingScope, type Operation, type OperationWords, parseScope } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { type IdentifiedCaller, verifyResourceToken } from '@countersign/verify'
import { resourceScopes } from '../grant/identity-claims.js'
import { asRequestFault } from '../grant/request-fault.js'
import type { AccessRequest } from './token-request.js'

/** What was asked for, verified and not yet decided. */
export interface RequestedAccess {
  readonly resource: string
  readonly scope: readonly string[]
  /** The audit id the resource gave this action. */
  readonly txn?: string | undefined
  /** The one call that a user is asked to approve; undefined where access is asked for. */
  readonly call?: RequestedCall | undefined
}

/** A single call that waits for an approval. @see protocol §9.4 */
export interface RequestedCall {
  readonly operation: Operation
  /** What the resource says of the operation. */
  readonly words: OperationWords
  /** `sub` of the auth token that the resource was shown; undefined for a grant without a user. */
  readonly sub: string | undefined
}

/** What the checks need. */
export interface AccessContext {
  readonly issuer: string
  /** With what is left of this request's fetch budget. */
  readonly discovery: Discovery
  /** Unix seconds. */
  readonly now: number
  readonly development: boolean
}

/** Characters of `scope`: enough for any API, and few enough that the auth token stays under 6 KiB. */
const longestScope = 2048

/**
 * Verifies what an `auth` request asks for: a resource token of another party, or scopes of the agent itself.
 * @throws AAuthError `invalid_resource_token`, `invalid_scope`, `access_denied`, `discovery_failed`
 * @see protocol §6.2 "Resource token checks", "Direct form"
 */
export function requestedAccess(
  request: AccessRequest,
  caller: IdentifiedCaller,
  context: AccessContext,
): Promise<RequestedAccess> {
  return 'resource_token' in request
    ? accessByResourceToken(request.resource_token, caller, context)
    : accessByScope(request.scope, caller, context)
}

async function accessByResourceToken(
  token: string,
  caller: IdentifiedCaller,
  context: AccessContext,
): Promise<RequestedAccess> {
  const { issuer, discovery, now, development } = context
  const trusted = (iss: string): boolean => isOfAnother(iss, { issuer, caller })
  const claims = await verifyResourceToken({ token, audience: issuer, discovery, now, development, trusted })
  const { iss } = claims
  bindsCaller(claims, caller) // auth.resource-token.caller auth.resource-token.jkt
  const scope = boundedScope(claims.scope)
  const { operation, sub, txn } = claims
  if (operation === undefined) return { resource: iss, scope, txn }
  return { resource: iss, scope, txn, call: { operation, sub, words: await wordsOf(operation, iss, discovery) } }
}

/**
 * An agent asks for access to itself in the direct form. A resource token of its own making would get around the rules of that form. A
 * delegate cannot make one, so a token of its agent's API is good: it is how a delegate gets scopes of its agent.
 * @throws AAuthError for a token that is of the agent itself, or of this auth server
 */
function isOfAnother(
  iss: string,
  { issuer, caller }: { readonly issuer: string; readonly caller: IdentifiedCaller },
): true {
  if (iss !== issuer && (iss !== caller.agent || caller.delegate !== undefined)) return true
  throw refusal('token_issuer_wrong', {
    code: 'invalid_resource_token',
    about: 'iss is the agent or this auth server; ask for own scopes by scope',
  })
}

/** A resource that has not published an operation must not have users asked about it in words of the moment (APR-17). */
async function wordsOf({ name }: Operation, resource: string, discovery: Discovery): Promise<OperationWords> {
  const { operations = {} } = await asRequestFault(discovery.resource(resource))
  const words = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (words !== undefined) return words
  throw refusal('operation_malformed', { about: 'the metadata of the resource does not list it' })
}

/** Stolen resource token: it works only for the agent, delegate and key that it names. */
function bindsCaller(
  claims: { readonly agent: string; readonly agent_delegate?: string; readonly agent_jkt: string },
  caller: IdentifiedCaller,
): void {
  const bindings: ReadonlyArray<readonly [string, string | undefined, string | undefined]> = [
    ['agent', claims.agent, caller.agent],
    ['agent_delegate', claims.agent_delegate, caller.delegate],
    ['agent_jkt', claims.agent_jkt, caller.key.thumbprint],
  ]
  for (const [claim, expected, received] of bindings) {
    if (expected === received) continue // auth.resource-token.caller auth.resource-token.jkt
    throw refusal('token_caller_mismatched', {
      code: 'invalid_resource_token',
      about: claim,
      cause: { claim, expected, received },
    })
  }
}

async function accessByScope(text: string, caller: IdentifiedCaller, context: AccessContext): Promise<RequestedAccess> {
  const scope = boundedScope(text)
  const other = resourceScopes(scope)
  if (other.length > 0) await checkOwnScopes(other, caller, context) // auth.self.scope
  return { resource: caller.agent, scope }
}

/** An agent may ask for scopes of its own, beside identity scopes, if its metadata lists them. Its delegates may not. */
async function checkOwnScopes(
  scope: readonly string[],
  caller: IdentifiedCaller,
  context: AccessContext,
): Promise<void> {
  if (caller.delegate !== undefined) {
    throw refusal('scope_not_allowed', {
      about: 'without a resource token a delegate may ask for identity scopes only',
    })
  }
  const { supported_scopes = [] } = await asRequestFault(context.discovery.resource(caller.agent))
  if (missingScope(supported_scopes, scope).length > 0) {
    throw refusal('scope_unknown', { about: 'a name that is not among supported_scopes of the agent' })
  }
}

/**
 * Refuses purposes that the resource does not publish: nobody would know what the user agreed to.
 * @throws AAuthError `invalid_request`
 * @see protocol §9.1
 */
export async function checkPurposes(
  purposes: readonly string[],
  { resource }: Pick<RequestedAccess, 'resource'>,
  discovery: Pick<Discovery, 'resource'>,
): Promise<void> {
  const { purposes: known = {} } = await asRequestFault(discovery.resource(resource))
  if (purposes.every(name => Object.hasOwn(known, name))) return
  throw refusal('purpose_unknown')
}

function boundedScope(text: string): string[] {
  if (text.length > longestScope) throw refusal('scope_malformed')
  return parseScope(text)
}
