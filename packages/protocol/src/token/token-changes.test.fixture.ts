import { good, type JoseIssuer } from './jose-issuer.test.fixture.js'
import type { TokenType } from './token.js'

/** Makes the token of a case: the good one of that type, with one thing changed. */
export type Change = (typ: TokenType) => Promise<string>

type Texts = { readonly header: string; readonly payload: string }

/** What a case may change in the good tokens of one issuer. */
export interface Changes {
  readonly unchanged: Change
  header(members: Record<string, unknown>): Change
  payload(members: Record<string, unknown>): Change
  without(part: 'header' | 'payload', member: string): Change
  /** Changes the JSON text, also so that it is not JSON. */
  text(change: (o: Texts) => readonly [header: string | Uint8Array, payload: string | Uint8Array]): Change
  signature(signature: string): Change
}

/** The changes, signed by an issuer that may be made later. */
export function changesOf(issuer: () => JoseIssuer): Changes {
  const parts = (typ: TokenType): { header: Record<string, unknown>; payload: Record<string, unknown> } => ({
    header: { typ, alg: 'Ed25519', kid: 'k1' },
    payload: { ...good[typ] },
  })
  const unchanged: Change = typ => issuer().issue(parts(typ).header, parts(typ).payload)
  return {
    unchanged,
    header: members => typ => issuer().issue({ ...parts(typ).header, ...members }, parts(typ).payload),
    payload: members => typ => issuer().issue(parts(typ).header, { ...parts(typ).payload, ...members }),
    without: (part, member) => typ => {
      const changed = parts(typ)
      delete changed[part][member]
      return issuer().issue(changed.header, changed.payload)
    },
    text: change => typ => {
      const { header, payload } = parts(typ)
      return issuer().raw(...change({ header: JSON.stringify(header), payload: JSON.stringify(payload) }))
    },
    signature: text => async typ => (await unchanged(typ)).replace(/[^.]*$/, text),
  }
}

/** JSON text of an object with one more member, even one that is there already. */
export function twice(json: string, member: string): string {
  return `${json.slice(0, -1)},${member}}`
}

/** UTF-8 of a text, with bytes after it. */
export function bytes(text: string, ...extra: number[]): Uint8Array {
  return new Uint8Array([...new TextEncoder().encode(text), ...extra])
}

/** How a token of each type is refused. */
export const refusal = {
  'agent+jwt': { code: 'invalid_agent_token', status: 401 },
  'resource+jwt': { code: 'invalid_resource_token', status: 400 },
  'auth+jwt': { code: 'invalid_auth_token', status: 401 },
} as const
