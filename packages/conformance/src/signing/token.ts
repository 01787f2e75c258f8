import { randomUUID } from 'node:crypto'
import type { TestKey } from './key.js'

/** A token before it is signed. A case changes a member, and it is signed with the change. */
export interface TokenDraft {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly key: TestKey
  /** The header or the claims as text, where no object can say it (members that come twice). */
  readonly headerText?: string | undefined
  readonly claimsText?: string | undefined
  /** Makes the bytes of the signature into others. */
  readonly signature?: ((bytes: Buffer, input: Buffer) => Buffer) | undefined
}

/** Signs a token as a compact JWS. Members that are undefined are left out. */
export function signToken(draft: TokenDraft): string {
  const header = draft.headerText ?? JSON.stringify(draft.header)
  const claims = draft.claimsText ?? JSON.stringify(draft.claims)
  const input = Buffer.from(`${base64url(header)}.${base64url(claims)}`)
  const bytes = draft.key.sign(input)
  return `${input.toString()}.${(draft.signature?.(bytes, input) ?? bytes).toString('base64url')}`
}

/** UTF-8 text in base64url. */
export function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

/** Header and claims of a token, without any check; undefined where it is no JWS of JSON objects. */
export function readToken(
  token: string,
): { header: Readonly<Record<string, unknown>>; claims: Readonly<Record<string, unknown>> } | undefined {
  const [header = '', claims = '', signature, ...more] = token.split('.')
  if (signature === undefined || more.length > 0) return undefined
  try {
    const read = (part: string) =>
      JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>
    return { header: read(header), claims: read(claims) }
  } catch {
    return undefined
  }
}

/** Who issues a token. */
export interface Issuer {
  readonly id: string
  readonly kid: string
  readonly key: TestKey
}

/** The draft of an agent token. @see protocol §5 */
export function agentTokenDraft(issuer: Issuer, o: { sub: string; key: TestKey; now: number }): TokenDraft {
  return {
    header: { typ: 'agent+jwt', alg: issuer.key.alg, kid: issuer.kid },
    claims: {
      iss: issuer.id,
      sub: o.sub,
      cnf: { jwk: o.key.jwk },
      iat: o.now,
      exp: o.now + 3600,
      jti: randomUUID(),
    },
    key: issuer.key,
  }
}

/** The draft of an auth token. @see protocol §5 */
export function authTokenDraft(
  issuer: Issuer,
  o: {
    aud: string
    agent: string
    delegate?: string
    key: Pick<TestKey, 'jwk'>
    scope: string
    sub: string
    now: number
  },
): TokenDraft {
  return {
    header: { typ: 'auth+jwt', alg: issuer.key.alg, kid: issuer.kid },
    claims: {
      iss: issuer.id,
      aud: o.aud,
      agent: o.agent,
      agent_delegate: o.delegate,
      cnf: { jwk: o.key.jwk },
      sub: o.sub,
      scope: o.scope,
      iat: o.now,
      exp: o.now + 600,
      jti: randomUUID(),
    },
    key: issuer.key,
  }
}

/** The draft of a resource token. @see protocol §5 */
export function resourceTokenDraft(
  issuer: Issuer,
  o: { aud: string; agent: string; delegate?: string; jkt: string; scope: string; now: number },
): TokenDraft {
  return {
    header: { typ: 'resource+jwt', alg: issuer.key.alg, kid: issuer.kid },
    claims: {
      iss: issuer.id,
      aud: o.aud,
      agent: o.agent,
      agent_delegate: o.delegate,
      agent_jkt: o.jkt,
      scope: o.scope,
      iat: o.now,
      exp: o.now + 300,
      jti: randomUUID(),
    },
    key: issuer.key,
  }
}
