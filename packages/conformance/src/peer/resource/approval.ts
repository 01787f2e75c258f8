import { operationDigest } from '../../signing/operation-digest.js'
import { headerValue } from '../../wire/message.js'
import type { Caller } from '../shared/caller.js'
import { isObject, parseJson, utf8 } from '../shared/json.js'
import { deniedByPolicy, type Refusal, refusing, replayed } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import type { Signature } from '../shared/signature.js'
import { folded, hasFoldedTwins, leavesOf } from './arguments.js'
import { tokenChallenge } from './challenge.js'
import { type Condition, ownConditions } from './conditions.js'
import type { Route } from './routes.js'
import type { Site } from './site.js'

/** A request that a user may have to approve. */
export interface Approvable {
  readonly request: PeerRequest
  readonly route: Route
  readonly signature: Signature
  readonly caller: Caller
  readonly conditions: readonly Condition[]
  readonly body: Buffer
  readonly site: Site
}

/** The first word of what is shown, by the operation. */
const beginnings: Readonly<Record<string, string>> = { pay: 'Pay', invite: 'Invite', cancel: 'Cancel' }

/** The members of a payment that are shown. */
const shownMembers: Readonly<Record<string, string>> = { amount: ', amount: ', to: ', to: ' }

/** Whether a user must approve a request. @see protocol §9.4 */
export function needsApproval({ route, conditions, site }: Pick<Approvable, 'route' | 'conditions' | 'site'>): boolean {
  if (route.isApproved === true) return true
  return ownConditions(conditions, 'approval', site.id).some(({ of }) => isAbout(of, route.operation))
}

function isAbout(of: unknown, operation: string | undefined): boolean {
  if (operation === undefined) return false
  return of === '*' || (Array.isArray(of) && of.includes(operation))
}

/** What the user is shown: words of the resource and values of the request, by turns. @throws Refusal where it cannot show all */
function displayOf({ request, route, body }: Approvable): readonly string[] {
  const unshowable = deniedByPolicy('approval_unshowable', 'the request cannot be shown whole')
  const display = [`${beginnings[route.operation ?? '']} by `, route.path, ...shownQuery(request, route)]
  if (body.length > 0 && headerValue(request, 'content-encoding') !== undefined) throw unshowable
  for (const { path, value } of bodyLeaves(body)) {
    const words = path.length === 1 ? shownMembers[path[0] ?? ''] : undefined
    if (words === undefined || !['string', 'number', 'boolean'].includes(typeof value)) throw unshowable
    display.push(words, String(value))
  }
  if (display.length > 64) throw unshowable
  if ([...display.join('')].length > 500) throw unshowable
  if (display.some(isHidden)) throw unshowable
  if (display.some(text => /^\p{M}|\p{M}{7}/u.test(text))) throw unshowable
  return display
}

/** The parameters of the query that are shown, with words before them. @throws Refusal where another may be meant */
function shownQuery({ query }: PeerRequest, { shownParameters = [] }: Route): readonly string[] {
  if (query === undefined) return []
  const unshowable = deniedByPolicy('approval_unshowable', 'the query cannot be shown whole')
  if (query.includes(';')) throw unshowable
  const parameters = parametersOf(query, unshowable)
  if (!parameters.every(({ name }) => shownParameters.includes(name))) throw unshowable
  const names = parameters.map(({ name }) => folded(name.replace(/\[.*/s, '')))
  if (new Set(names).size !== names.length) throw unshowable
  return parameters.flatMap(({ name, value }) => [`, ${name}: `, value])
}

function parametersOf(
  query: string,
  unshowable: Refusal,
): ReadonlyArray<{ readonly name: string; readonly value: string }> {
  const decoded = (text: string): string => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '))
    } catch {
      throw unshowable
    }
  }
  return query.split('&').map(piece => {
    const [name = '', ...rest] = piece.split('=')
    return { name: decoded(name), value: decoded(rest.join('=')) }
  })
}

/** Whether a string has a character that no reader sees in its place. */
function isHidden(text: string): boolean {
  const plain = text.replace(/(\p{So})\ufe0f/gu, '$1')
  return /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u.test(plain)
}

function bodyLeaves(body: Buffer): ReturnType<typeof leavesOf> {
  const unshowable = deniedByPolicy('approval_unshowable', 'the body is no JSON')
  if (body.length === 0) return []
  let value: unknown
  try {
    value = parseJson(utf8(body))
  } catch {
    throw unshowable
  }
  if (hasFoldedTwins(value)) throw deniedByPolicy('approval_unshowable', 'two members are equal when folded')
  return isObject(value) && Object.keys(value).length === 0 ? [] : leavesOf(value)
}

/** Asks for an approval where there is none for this very request. */
export function checkApproval(approvable: Approvable): void {
  const { route, signature, caller, site } = approvable
  const display = displayOf(approvable)
  const digest = operationDigest(signature.base.toString('latin1'), display)
  const { operation_digest: approved, sub } = caller.claims ?? {}
  if (approved === digest) return
  if (approved === undefined) site.calls.look(caller, approvable.conditions)
  const operation = { name: route.operation, digest, display }
  const refusal = refusing(401, 'insufficient_level')('approval_needed', 'a user must approve this request')
  const asked = { scope: (route.scopes ?? []).join(' '), more: { sub, operation } }
  throw tokenChallenge(refusal, { signature, caller, site, asked })
}

/** Takes the one use of an approval. */
export function takeApproval({ caller, site, conditions }: Approvable): void {
  const { iss, jti, iat } = caller.claims ?? {}
  const name = JSON.stringify([iss, jti])
  if (site.used.has(name)) throw replayed('approval_used', 'the approval was used')
  if (Number(iat) < site.start) throw replayed('approval_used', 'the approval is from before the start')
  site.calls.look(caller, conditions)
  site.used.add(name)
}
