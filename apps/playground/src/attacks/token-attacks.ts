import { createHmac } from 'node:crypto'
import { signJws } from '@countersign/protocol/internal'
import { claimsOf, partOf } from './agent-ring.js'
import type { WireRequest } from './contract.js'
import { type Means, type MessageAttack, openToAnyone, type Subject, withOther } from './message-attack.js'

// Attacks on the token in Signature-Key. Where the attacker forges one, it names the attacker's key, and the request is signed right
// with that key: only the check of the token itself stands in the way.

const token = { kind: 'token', onMessage: true } as const

const tokenless = ({ scheme }: Subject): string | undefined =>
  scheme === 'jwt' ? undefined : 'The message shows no token: its key is published, or stands in the message.'

/** A token that lives longer than this, in seconds, is not waited for. */
const mostWait = 10

const jwtOf = ({ signer: { signatureKey } }: Means): string => ('jwt' in signatureKey ? signatureKey.jwt : '')

/** The request, signed with the attacker's key, under a token that is made of the agent's. */
async function forged(
  means: Means,
  make: (header: Readonly<Record<string, unknown>>, claims: object) => string | Promise<string>,
): Promise<WireRequest> {
  const { subject, thief, sign } = means
  const jwt = jwtOf(means)
  const jwk = thief.key.publicJwk
  const made = await make(partOf(jwt, 0), { ...claimsOf(jwt), cnf: { jwk } })
  return sign(subject.draft, { key: thief.key, signatureKey: { scheme: 'jwt', jwt: made } })
}

function signed(means: Means, header: Readonly<Record<string, unknown>>, claims: object): Promise<string> {
  const { typ, kid } = header
  return signJws({ typ: String(typ), kid: String(kid) }, JSON.stringify(claims), means.thief.key)
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Attacks on the token of a message. */
export const tokenAttacks: readonly MessageAttack[] = [
  {
    ...token,
    name: 'steal-token',
    title: 'Steal the token',
    tries: 'A thief reads the token in a log and shows it in a request of their own, signed with their own key.',
    reasons: ['signature_wrong'],
    why: tokenless,
    change: (_, { subject, signer, thief, sign }) =>
      sign(subject.draft, { key: thief.key, signatureKey: signer.signatureKey }),
  },
  {
    ...token,
    name: 'strip-to-bearer',
    title: 'Use it as a bearer token',
    tries: 'A thief shows the token the way OAuth does, in Authorization, and signs nothing.',
    reasons: ['signature_missing', 'bearer_invalid', 'credential_not_accepted'],
    why: subject => tokenless(subject) ?? openToAnyone(subject),
    change: (_, means) => {
      const { draft } = means.subject
      return { ...draft, headers: [...draft.headers, ['authorization', `Bearer ${jwtOf(means)}`]] }
    },
  },
  {
    ...token,
    name: 'ended-token',
    title: 'Use a token that has ended',
    tries: 'The agent itself shows the token once more after its end, in a request that is otherwise right.',
    reasons: ['token_expired'],
    why: subject =>
      tokenless(subject) ??
      ((subject.token?.lives ?? 0) > mostWait
        ? 'Its token lives too long for a visitor to wait for its end.'
        : undefined),
    change: async (_, means) => {
      const { subject, signer, sign, sleep, now } = means
      await sleep(Math.max(0, Number(claimsOf(jwtOf(means))['exp']) - now()) + 1)
      return sign(subject.draft, signer, now())
    },
  },
  {
    ...token,
    name: 'change-token',
    title: 'Change a byte of the token',
    tries: 'The agent changes one byte in the signature of its token, and signs the request right.',
    reasons: ['token_signature_wrong'],
    why: tokenless,
    change: (_, means) => {
      const jwt = jwtOf(means)
      const { signer, subject, sign } = means
      return sign(subject.draft, {
        ...signer,
        signatureKey: { scheme: 'jwt', jwt: withOther(jwt, jwt.lastIndexOf('.') + 20) },
      })
    },
  },
  {
    ...token,
    name: 'widen-token',
    title: 'Write more rights into the token',
    tries: 'The agent writes a wider scope and a later end into its token, and signs the request right.',
    reasons: ['token_signature_wrong'],
    why: tokenless,
    change: (_, means) => {
      const jwt = jwtOf(means)
      const claims = claimsOf(jwt)
      const [header = '', , signature = ''] = jwt.split('.')
      const wider = { ...claims, scope: `${claims['scope'] ?? ''} admin`.trim(), exp: Number(claims['exp']) + 300 }
      const { signer, subject, sign } = means
      return sign(subject.draft, {
        ...signer,
        signatureKey: { scheme: 'jwt', jwt: `${header}.${encoded(wider)}.${signature}` },
      })
    },
  },
  {
    ...token,
    name: 'alg-none',
    title: 'A token with algorithm none',
    tries: 'The attacker writes a token for their own key, and says in its header that it needs no signature.',
    reasons: ['algorithm_unsupported', 'token_malformed'],
    why: tokenless,
    change: (_, means) =>
      forged(means, (header, claims) => `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.AA`),
  },
  {
    ...token,
    name: 'alg-confusion',
    title: 'The public key as a secret',
    tries:
      'The attacker signs a token by HMAC, with the published key of the issuer as the secret (algorithm confusion).',
    reasons: ['algorithm_unsupported', 'token_algorithm_mismatched'],
    why: tokenless,
    change: async (_, means) => {
      const jwt = jwtOf(means)
      const kid = partOf(jwt, 0)['kid']
      const key = (await means.keysOf(String(claimsOf(jwt)['iss']))).find(known => known.kid === kid)
      return forged(means, (header, claims) => {
        const input = `${encoded({ ...header, alg: 'HS256' })}.${encoded(claims)}`
        const secret = 'x' in Object(key) ? String(Object(key).x) : JSON.stringify(key)
        return `${input}.${createHmac('sha256', Buffer.from(secret, 'base64url')).update(input).digest('base64url')}`
      })
    },
  },
  {
    ...token,
    name: 'forged-signature',
    title: 'A token signed by the attacker',
    tries: 'The attacker writes a token in the name of the issuer, under its kid, and signs it with their own key.',
    reasons: ['token_signature_wrong'],
    why: tokenless,
    change: (_, means) => forged(means, (header, claims) => signed(means, header, claims)),
  },
  {
    ...token,
    name: 'forged-issuer',
    title: 'A token of the attacker’s own issuer',
    tries: 'The attacker runs an issuer, which publishes their key, and signs a token in its name.',
    reasons: ['issuer_untrusted', 'token_issuer_wrong'],
    why: subject =>
      tokenless(subject) ??
      (subject.token?.typ === 'agent+jwt'
        ? 'Anyone may run an agent server and vouch for agents of their own: no one else’s name comes of it.'
        : undefined),
    change: (_, means) =>
      forged(means, (header, claims) =>
        signed(means, { ...header, kid: 'attacker' }, { ...claims, iss: means.attackerIssuer }),
      ),
  },
]
