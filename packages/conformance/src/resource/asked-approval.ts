import { type Refusal, refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { type Draft, requiredComponents, signatureBase, signDraft } from '../signing/draft.js'
import { operationDigest } from '../signing/operation-digest.js'
import { readToken } from '../signing/token.js'
import { headerValue, type WireRequest, type WireResponse } from '../wire/message.js'
import { constrained, freshUser } from './constrained.js'
import type { DraftChange } from './coverage-changes.js'
import { draftFor, holder, type ResourceStage, routeOf, specialRoute } from './stage.js'

/** The challenge of a request that a user must approve. */
export const asks: Refusal = {
  ...refusals.level,
  challenge: ['httpsig', 'auth-token', 'resource_token="', 'auth_server="'],
}

/** What a resource asks a user to approve. */
export interface Asked {
  readonly claims: Readonly<Record<string, unknown>>
  readonly operation: { readonly name?: unknown; readonly digest?: unknown; readonly display?: unknown }
}

/** The resource token of a challenge that asks for an approval. */
export function askedOf(response: WireResponse | undefined): Asked {
  const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
  const claims = readToken(/resource_token="([^"]*)"/.exec(header)?.[1] ?? '')?.claims ?? {}
  return { claims, operation: Object(claims['operation']) }
}

/** The first route that asks for approvals. */
export function approveRoute(stage: ResourceStage): Route {
  return specialRoute(stage, 'approve', { level: 'authorized', method: 'POST' })
}

/** A request under a token of a user; with a digest, it is the token of an approval. */
export function requested(
  stage: ResourceStage,
  route: Route,
  o: {
    readonly user: Readonly<Record<string, unknown>>
    readonly digest?: unknown
    readonly body?: string
    readonly jti?: string
    /** What else is so of the request. */
    readonly change?: DraftChange
  },
): { readonly draft: Draft; readonly request: WireRequest } {
  const approved = o.digest === undefined ? {} : { operation_digest: o.digest, exp: stage.now() + 300 }
  const caller = holder(stage, route, draft => ({
    ...draft,
    claims: { ...draft.claims, ...o.user, ...approved, ...(o.jti === undefined ? {} : { jti: o.jti }) },
  }))
  const right = draftFor(stage, route, caller)
  const filled = o.body === undefined ? right : { ...right, body: Buffer.from(o.body) }
  const draft = o.change?.(filled) ?? filled
  return { draft, request: signDraft(draft) }
}

/** Asks for an approval, as a control: it is a challenge, and no success. */
export async function ask(
  trial: Trial,
  stage: ResourceStage,
  route: Route = approveRoute(stage),
): Promise<Asked & { readonly user: Readonly<Record<string, unknown>>; readonly draft: Draft }> {
  const user = freshUser()
  const plain = routeOf(stage, 'authorized')
  await trial.control('an auth token at another route', () => constrained(stage, plain, { claims: user }))
  const { draft, request } = requested(stage, route, { user })
  const response = await trial.refused('a request that a user has not approved', request, asks)
  return { ...askedOf(response), user, draft }
}

/** The digest that binds an approval to a draft, by what its user is shown. */
export function digestOf(draft: Draft, { display }: Asked['operation']): string {
  const { headers } = signDraft(draft)
  const shown = Array.isArray(display) ? (display as string[]) : undefined
  return operationDigest(signatureBase(draft, headers, draft.components ?? requiredComponents(draft)), shown)
}

/** A display of at most 64 plain strings and 500 code points, or none. */
export function isPlainDisplay(display: unknown): boolean {
  if (display === undefined) return true
  if (!Array.isArray(display) || !display.every(one => typeof one === 'string')) return false
  const text = display.join('')
  return (
    display.length >= 1 &&
    display.length <= 64 &&
    [...text].length <= 500 &&
    // A symbol may be followed by U+FE0F, once.
    !/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16FE4}\u{1D159}]|\p{M}{7}/u.test(
      text.replace(/(\p{So})\ufe0f/gu, '$1'),
    ) &&
    !display.some(one => /^\p{M}/u.test(one))
  )
}
