import { isWord, missingScope, parseScope } from '@countersign/protocol'
import { boundedMap } from '@countersign/protocol/internal'
import type { Self } from '../identity/credentials.js'
import { queues } from '../state/queue.js'
import type { AgentState } from '../state/state.js'
import { runExclusively } from '../state/state-keys.js'

/** What an auth server allows this agent at one resource. Issuer, resource, scope and purposes identify it. */
export interface Grant {
  readonly issuer: string
  readonly resource: string
  /**
   * Scopes granted, sorted, with single spaces. Identity scopes that were requested are included even when their claims are
   * not in the token: else a user without an e-mail address would be asked for it at every sign-in.
   */
  readonly scope: string
  readonly authToken: string
  /** Unix seconds. */
  readonly expires: number
  /** When the grant is due for a refresh, in Unix seconds. */
  readonly renewAt: number
  /** Thumbprint of the key the auth token is bound to. */
  readonly jkt: string
  /** The issuer's identifier for the user, if the token has one. */
  readonly sub?: string
  /** The purposes that were asked for, sorted, with single spaces; absent where there were none. */
  readonly purposes?: string
  /** The digest of the one request that a user has approved. Such a grant serves that request, once. @see protocol §9.4 */
  readonly approves?: string
  /** Sent to `issuer` only. */
  readonly refreshToken?: string
}

/** The grants in a state, by agent, delegate and resource. */
export interface Grants {
  /** Returns the grants for a resource and these purposes, newest first; no approvals of single requests. */
  at(self: Owner, resource: string, purposes?: string): Promise<readonly Grant[]>
  /** Removes the approval of a request and returns it, so that it is used once only. */
  takeApproval(self: Owner, resource: string, digest: string): Promise<Grant | undefined>
  /** Stores a grant in place of those it covers; resolves when it is safe. */
  keep(self: Owner, grant: Grant): Promise<void>
  /** Removes a grant that its issuer no longer knows. */
  drop(self: Owner, grant: Grant): Promise<void>
}

type Owner = Pick<Self, 'agent' | 'delegate'>

/** Grants kept per resource: a resource that asks for ever new scopes must not fill the state. */
const maxPerResource = 16

export function openGrants(state: AgentState): Grants {
  // bound: 1000 owners and resources; bytes: 1000 × some 10 grants of 8 KiB; grown by the program; filled by
  // bounded-collections-fills.test.ts "a bounded map"
  const loaded = boundedMap<string, Promise<readonly Grant[]>>(1000)
  const inOrder = queues()

  const entry = (key: string): Promise<readonly Grant[]> => {
    const known = loaded.get(key)
    if (known !== undefined) return known
    const loading = state.read(key).then(parseGrants)
    loaded.set(key, loading)
    loading.catch(() => loaded.delete(key))
    return loading
  }
  const change = (key: string, edit: (list: readonly Grant[]) => readonly Grant[]): Promise<void> =>
    inOrder(key, () =>
      runExclusively(state, key, async () => {
        // Read anew, so that grants of another process or tab stay: a lost refresh token means asking the user again.
        const list = edit(parseGrants(await state.read(key)))
        await (list.length === 0 ? state.remove(key) : state.write(key, list))
        loaded.set(key, Promise.resolve(list))
      }),
    )
  return {
    at: async (self, resource, purposes) =>
      (await entry(stateKey(self, resource))).filter(o => o.approves === undefined && o.purposes === purposes),
    async takeApproval(self, resource, digest) {
      let taken: Grant | undefined
      await change(stateKey(self, resource), list => {
        taken = list.find(o => o.approves === digest)
        return list.filter(o => o !== taken)
      })
      return taken
    },
    keep: (self, grant) =>
      change(stateKey(self, grant.resource), list =>
        [grant, ...list.filter(o => !replaces(grant, o))].slice(0, maxPerResource),
      ),
    drop: (self, grant) => change(stateKey(self, grant.resource), list => list.filter(o => !sameGrant(o, grant))),
  }
}

/** Whether a grant is bound to the current key and not about to end. */
export function isUsable(grant: Grant, self: Self, { now }: { readonly now: () => number }): boolean {
  return grant.jkt === self.jkt && grant.renewAt > now()
}

/** Whether a grant allows all the scopes. */
export function covers(grant: Grant, scope: readonly string[]): boolean {
  return missingScope(scopesOf(grant), scope).length === 0
}

/** The scopes of a grant as a list. */
export function scopesOf(grant: Grant): readonly string[] {
  return grant.scope === '' ? [] : parseScope(grant.scope)
}

/** One spelling per set of scopes, so that equal sets have equal keys. */
export function canonicalScope(scope: readonly string[]): string {
  return [...new Set(scope)].sort((a, b) => (a < b ? -1 : 1)).join(' ')
}

/** Returns names of purposes in one spelling; undefined where there are none. @throws TypeError for what is no name */
export function purposesText(purposes: readonly string[] | undefined): string | undefined {
  if (!purposes?.length) return undefined
  if (!purposes.every(isWord)) throw new TypeError('purposes must be names such as "support"')
  return canonicalScope(purposes)
}

const stateKey = (self: Owner, resource: string): string => `grants ${self.agent} ${self.delegate ?? ''} ${resource}`

function replaces(grant: Grant, old: Grant): boolean {
  const sameKind = old.purposes === grant.purposes && old.approves === grant.approves
  return sameKind && old.issuer === grant.issuer && covers(grant, scopesOf(old))
}

function sameGrant(a: Grant, b: Grant): boolean {
  return a.issuer === b.issuer && a.scope === b.scope && a.refreshToken === b.refreshToken
}

function parseGrants(value: unknown): readonly Grant[] {
  return Array.isArray(value) ? value.filter(isGrant) : []
}

/** Whether an entry is a grant. Entries of another version are left out: the agent then asks again, which is always safe. */
function isGrant(value: unknown): value is Grant {
  if (typeof value !== 'object' || value === null) return false
  const { issuer, resource, scope, authToken, expires, renewAt, jkt, refreshToken, sub, purposes, approves } =
    value as Partial<Record<keyof Grant, unknown>>
  return (
    [issuer, resource, scope, authToken, jkt].every(member => typeof member === 'string') &&
    typeof expires === 'number' &&
    typeof renewAt === 'number' &&
    [refreshToken, sub, purposes, approves].every(member => member === undefined || typeof member === 'string')
  )
}
