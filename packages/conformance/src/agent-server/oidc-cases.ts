import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { openParticipant, type Participant, type Place } from '../participants/participant.js'
import { signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { readToken, signToken, type TokenDraft } from '../signing/token.js'
import type { WireRequest } from '../wire/message.js'
import { tokenIn } from './rotation-cases.js'
import { type AgentServerStage, enrolmentDraft } from './stage.js'

const invalid: Refusal = { status: 400, error: ['invalid_grant', 'invalid_request'] }

/** Opens an issuer of OpenID tokens: its keys, and where they are. */
export async function openOidcIssuer(place: Place): Promise<Participant> {
  const issuer = await openParticipant({ place, roles: {} })
  const { id, origin, key } = issuer
  origin.publish('/.well-known/openid-configuration', {
    issuer: id,
    jwks_uri: `${id}/jwks.json`,
    id_token_signing_alg_values_supported: [key.alg],
  })
  return issuer
}

/** The audience by which a token names the endpoint and the new key. @see protocol §5 */
function audienceFor(stage: AgentServerStage, key: TestKey): string {
  return `${String(stage.metadata['delegate_token_endpoint'])}#${key.thumbprint}`
}

/** The draft of a token that enrols a key. @throws TypeError where the case has not said that it needs an issuer */
function tokenDraft(stage: AgentServerStage, key: TestKey): TokenDraft {
  const { oidcIssuer: issuer, configuration } = stage
  if (issuer === undefined || configuration.oidc === undefined) throw new TypeError('the case needs oidc')
  const times = { iat: stage.now(), exp: stage.now() + 300 }
  const claims = {
    iss: issuer.id,
    aud: audienceFor(stage, key),
    ...times,
    jti: randomUUID(),
    ...configuration.oidc.claims,
  }
  return { header: { typ: 'JWT', alg: issuer.key.alg, kid: issuer.kid }, claims, key: issuer.key }
}

function enrolment(stage: AgentServerStage, key: TestKey, token: string): WireRequest {
  return signDraft(enrolmentDraft(stage, key, { type: 'oidc', token }))
}

const claims =
  (changed: (stage: AgentServerStage) => Readonly<Record<string, unknown>>) =>
  (draft: TokenDraft, stage: AgentServerStage): TokenDraft => ({
    ...draft,
    claims: { ...draft.claims, ...changed(stage) },
  })

const wrong: ReadonlyArray<
  readonly [fault: string, change: (draft: TokenDraft, stage: AgentServerStage) => TokenDraft]
> = [
  ['aud names another key', claims(stage => ({ aud: audienceFor(stage, makeKey()) }))],
  ['aud is the endpoint alone', claims(stage => ({ aud: stage.metadata['delegate_token_endpoint'] }))],
  ['there is no aud', claims(() => ({ aud: undefined }))],
  [
    'aud names another receiver, too',
    (draft, stage) => claims(() => ({ aud: [draft.claims['aud'], 'https://other.example'] }))(draft, stage),
  ],
  ['iss is another issuer', claims(stage => ({ iss: stage.otherAgent.id }))],
  ['it has ended', claims(stage => ({ iat: stage.now() - 600, exp: stage.now() - 300 }))],
  ['it has no exp', claims(() => ({ exp: undefined }))],
  ['another key than that of the issuer has signed it', draft => ({ ...draft, key: makeKey() })],
  ['alg is none', draft => ({ ...draft, header: { ...draft.header, alg: 'none' }, signature: () => Buffer.alloc(0) })],
]

/** Delegates that enrol by a token of an OpenID issuer. */
export const oidcCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'delegate.enrol.oidc',
    group: 'enrolment',
    needs: ['oidc'],
    clauses: ['delegate.enrol.refused'],
    async run(trial, stage) {
      const key = makeKey()
      const token = signToken(tokenDraft(stage, key))
      const response = await trial.control('a token that names the new key', enrolment(stage, key, token))
      const { cnf } = readToken(tokenIn(response))?.claims ?? {}
      trial.holds('the agent token is for the new key', Object(cnf).jwk?.x === key.jwk['x'])
      await trial.refused('the token comes again', () => enrolment(stage, key, token), {
        status: 400,
        error: 'invalid_grant',
      })
      await trial.refused('another key comes with it', () => enrolment(stage, makeKey(), token), invalid)
      for (const [fault, change] of wrong) {
        const next = makeKey()
        const changed = signToken(change(tokenDraft(stage, next), stage))
        await trial.refused(fault, () => enrolment(stage, next, changed), invalid)
      }
      const last = makeKey()
      const right = signToken(tokenDraft(stage, last))
      await trial.refused(
        'another key comes with a token that was not used yet',
        () => enrolment(stage, makeKey(), right),
        invalid,
      )
      await trial.accepted('after that, its own key', () => enrolment(stage, last, right))
    },
  },
]
