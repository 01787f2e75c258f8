import { randomUUID } from 'node:crypto'
import type { Conditions } from '@countersign/conditions'
import { serializeScope } from '@countersign/protocol'
import type { Upstream } from '../exchange/upstream-token.js'
import { type Principal, principalColumns } from '../grant/grant.js'
import { conditionsText, purposesText } from '../mandate/conditions-text.js'
import { requestLifetime } from '../secret/request-token.js'
import type { RequestRow } from '../tables/tables.js'

/** What a request is about. */
export interface NewRequest {
  readonly principal: Principal
  readonly resource: string
  readonly scope: readonly string[]
  readonly purpose?: string | undefined
  readonly purposes?: readonly string[] | undefined
  /** What the delegate that asks may be used for, for the page. */
  readonly delegation?: Conditions | undefined
  readonly txn?: string | undefined
  readonly login_hint?: string | undefined
  readonly peer?: string | undefined
  /** Exchanges only: the claims of the upstream token. */
  readonly upstream?: Upstream
  /** For the event; not stored. */
  readonly resource_txn?: string | undefined
}

/** How the user is asked, and how the answer goes back. */
export type NewWay =
  | { readonly flow: 'browser'; readonly redirect_uri: string; readonly state?: string | undefined }
  | { readonly flow: 'device'; readonly user_code: string }
  | { readonly flow: 'inbox' }

/** The row of a new request, without its token. */
export function rowOf(
  request: NewRequest,
  { way, now }: { readonly way: NewWay; readonly now: number },
): Omit<RequestRow, 'request_hash'> {
  const { principal, resource, scope, purpose, purposes, delegation, txn, login_hint, peer, upstream } = request
  return {
    id: randomUUID(),
    ...principalColumns(principal),
    resource,
    scope: serializeScope(scope),
    purpose: purpose ?? null,
    txn: txn ?? null,
    login_hint: login_hint ?? null,
    peer: peer ?? null,
    ...wayColumns(way),
    created: now,
    expires: now + requestLifetime,
    browser: null,
    status: 'pending',
    user_sub: null,
    granted_scope: null,
    claims: null,
    code_secret: null,
    upstream: upstream === undefined ? null : JSON.stringify(upstream),
    upstream_user: null,
    site: null,
    words: null,
    conditions: null,
    purposes: purposesText(purposes),
    delegation: conditionsText(delegation),
    operation: null,
  }
}

function wayColumns(way: NewWay): Pick<RequestRow, 'redirect_uri' | 'state' | 'user_code' | 'answer'> {
  const none = { redirect_uri: '', state: null, user_code: null, answer: null }
  switch (way.flow) {
    case 'browser':
      return { ...none, redirect_uri: way.redirect_uri, state: way.state ?? null }
    case 'device':
      return { ...none, user_code: way.user_code }
    case 'inbox':
      return { ...none, answer: 'inbox' }
  }
}
