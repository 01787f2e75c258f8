import { randomUUID } from 'node:crypto'
import type { Trial } from '../case/trial.js'
import { publishedKeys } from '../endpoint/document-cases.js'
import type { Reply, Visit } from '../participants/origin.js'
import { receivedSignature, verifies } from '../participants/received.js'
import { signToken } from '../signing/token.js'
import type { AuthServerStage } from './stage.js'

/** How the upstream auth server answers when the one under test signs a user in there. */
export interface UpstreamSignIn {
  /** The user who signs in. */
  readonly sub: string
  /** `iss` of the answer to the browser; default its own. */
  readonly iss?: string
  /** `state` of the answer to the browser; default the one that came. */
  readonly state?: string
}

const json = (body: object): Reply => ({
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
})

/**
 * Lets users sign in at the upstream auth server, without asking them, until the returned function is called. That resolves with how many
 * requests of the auth server under test were signed by a key of its own.
 */
export async function openUpstreamSignIn(
  trial: Trial,
  stage: AuthServerStage,
  o: UpstreamSignIn,
): Promise<() => number> {
  const { upstream } = stage
  const keys = await publishedKeys(trial, stage)
  let signed = 0
  const keyOf = (visit: Visit): Readonly<Record<string, unknown>> | undefined => {
    const found = receivedSignature(visit, new URL(upstream.id).host)
    const key = keys.find(({ kid }) => kid === found?.keyParameters['kid'])
    const isOwn = found?.scheme === 'jwks_uri' && found.keyParameters['id'] === stage.id
    return isOwn && key !== undefined && verifies(found, key) ? key : undefined
  }
  upstream.origin.answer('/agent/token', visit => {
    const key = keyOf(visit)
    if (key === undefined) return { ...json({ error: 'invalid_signature' }), status: 401 }
    signed++
    const form = new URLSearchParams(visit.body.toString('utf8'))
    if (form.get('request_type') === 'auth') return json({ request_token: randomUUID(), expires_in: 600 })
    return json({ auth_token: signInToken(stage, o.sub, key), expires_in: 300 })
  })
  upstream.origin.answer('/agent/auth', ({ target }) => {
    const query = new URL(target, upstream.id).searchParams
    const back = new URL(query.get('redirect_uri') ?? upstream.id)
    back.searchParams.set('code', randomUUID())
    back.searchParams.set('state', o.state ?? query.get('state') ?? '')
    back.searchParams.set('iss', o.iss ?? upstream.id)
    return { status: 303, headers: { location: back.href }, body: '' }
  })
  return () => {
    for (const path of ['/agent/token', '/agent/auth']) upstream.origin.answer(path, () => ({ status: 404, body: '' }))
    return signed
  }
}

/** The token by which the upstream auth server says who the user is. */
function signInToken(
  { upstream, id, now }: AuthServerStage,
  sub: string,
  key: Readonly<Record<string, unknown>>,
): string {
  const { kty, crv, x, y, alg } = key
  return signToken({
    header: { typ: 'auth+jwt', alg: upstream.key.alg, kid: upstream.kid },
    claims: {
      iss: upstream.id,
      aud: id,
      cnf: { jwk: { kty, crv, x, y, alg } },
      sub,
      iat: now(),
      exp: now() + 300,
      jti: randomUUID(),
    },
    key: upstream.key,
  })
}
