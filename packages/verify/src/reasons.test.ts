import type { ReplaySet, ReplayVerdict, SignatureKey } from '@countersign/httpsig'
import { base64urlEncodeText } from '@countersign/httpsig/internal'
import { AAuthError } from '@countersign/protocol'
import { reasons } from '@countersign/protocol/reasons'
import { beforeAll, expect, test } from 'vitest'
import { agentToken, authToken, now, signed } from './network.test.fixture.js'
import { checkReplay } from './replay.js'
import { verifyAuthToken, verifyResourceToken } from './token.js'
import { api, type Scene, scene } from './verifier.test.fixture.js'

// One refusal for each reason, so that a name cannot move to another fault. That everything is refused that must be is tested elsewhere.

let here: Scene
beforeAll(async () => {
  here = await scene()
})

/** Verifies a request that names its key like this. */
const named = async (signatureKey: SignatureKey): Promise<unknown> =>
  here.verifier.verify(await signed(`${api}/x`, here.key, signatureKey))

const published = (change: Partial<SignatureKey & { scheme: 'jwks_uri' }>): Promise<unknown> =>
  named({ scheme: 'jwks_uri', id: here.agent.id, kid: 'k1', dwk: 'aauth-agent', ...change })

const inline = async (change: Parameters<Scene['verifierWith']>[0] = {}): ReturnType<Scene['verifier']['verify']> =>
  here.verifierWith(change).verify(await signed(`${api}/x`, here.key, { scheme: 'hwk', jwk: here.key.publicJwk }))

async function replayed(check: () => Promise<ReplayVerdict>): Promise<unknown> {
  const replay: ReplaySet = { check }
  return checkReplay({ replay, verified: await inline() })
}

const refusals: Readonly<Record<string, () => Promise<unknown>>> = {
  token_key_unknown: async () =>
    here.verifier.verify(await here.withToken(await agentToken({ ...here.agent, kid: 'k2' }, here.key))),
  token_issuer_wrong: async () =>
    verifyAuthToken({
      token: await authToken(here.auth, here.key, {}),
      audience: api,
      discovery: here.net.discovery,
      now,
      issuer: 'https://other.example',
    }),
  token_type_unsupported: async () => {
    const [, ...rest] = (await agentToken(here.agent, here.key)).split('.')
    const header = base64urlEncodeText('{"typ":"JWT","alg":"Ed25519","kid":"k1"}')
    return named({ scheme: 'jwt', jwt: [header, ...rest].join('.') })
  },
  issuer_untrusted: async () =>
    here.verifierWith({ authServers: [] }).verify(await here.withToken(await authToken(here.auth, here.key, {}))),
  key_unknown: () => published({ kid: 'k2' }),
  signature_key_malformed: () => published({ dwk: 'upload.json' }),
  credential_not_accepted: () => inline({ accept: ['jwks_uri'] }),
  caller_denied: async () =>
    here.verifierWith({ agents: [] }).verify(await here.withToken(await agentToken(here.agent, here.key))),
  request_replayed: () => replayed(async () => 'replayed'),
  capacity_exceeded: () => replayed(async () => 'full'),
  starting: () => replayed(async () => 'early'),
  store_unavailable: () => replayed(() => Promise.reject(new Error('no connection'))),
}

test.each(Object.entries(refusals))(
  '%s is the reason of its refusal, with one of its codes',
  async (reason, refusal) => {
    const error: unknown = await refusal().then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'AAuthError', reason })
    if (error instanceof AAuthError) expect(reasons[error.reason].codes).toContain(error.code)
  },
)

test('a resource that is not trusted is refused as an untrusted issuer, too', async () => {
  const claims = { typ: 'resource+jwt', alg: 'Ed25519', kid: 'k1' }
  const [, payload, signature] = (await agentToken(here.agent, here.key)).split('.')
  const token = [base64urlEncodeText(JSON.stringify(claims)), payload, signature].join('.')
  await expect(
    verifyResourceToken({ token, audience: api, discovery: here.net.discovery, now, trusted: [] }),
  ).rejects.toMatchObject({ code: 'untrusted_issuer', reason: 'issuer_untrusted' })
})
