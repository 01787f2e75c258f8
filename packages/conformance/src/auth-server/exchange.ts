import { randomUUID } from 'node:crypto'
import type { Trial } from '../case/trial.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { authTokenDraft, signToken, type TokenDraft } from '../signing/token.js'
import type { WireRequest, WireResponse } from '../wire/message.js'
import { type AuthServerStage, asked, resourceToken, type TokenChange } from './stage.js'

/** What differs from the right exchange. */
export interface ExchangeChange {
  /** Changes the upstream token. */
  readonly upstream?: TokenChange
  /** Changes the resource token. */
  readonly resource?: TokenChange
  readonly scope?: string | undefined
  readonly signer?: Signer
  /** Parameters beside the usual ones, or in place of them. */
  readonly form?: Readonly<Record<string, string>>
}

/** The token that the middle was called with, before it is signed. */
export function upstreamDraft(stage: AuthServerStage): TokenDraft {
  const { upstream, middle, agent, configuration } = stage
  const draft = authTokenDraft(upstream, {
    aud: middle.id,
    agent: agent.id,
    key: agent.key,
    scope: configuration.exchangeScope ?? '',
    sub: 'user-1',
    now: stage.now(),
  })
  return { ...draft, claims: { ...draft.claims, txn: randomUUID() } }
}

/** The form of an exchange by the middle. */
export function exchangeForm(stage: AuthServerStage, o: ExchangeChange = {}): Readonly<Record<string, string>> {
  const [first] = stage.configuration.directScopes
  const { upstream = (draft: TokenDraft) => draft, scope = first } = o
  return {
    request_type: 'exchange',
    resource_token: resourceToken(stage, o.resource, { agent: stage.middle, scope }),
    upstream_token: signToken(upstream(upstreamDraft(stage), stage)),
    ...o.form,
  }
}

/** A signed exchange. */
export function exchangeRequest(stage: AuthServerStage, o: ExchangeChange = {}): WireRequest {
  return asked(stage, exchangeForm(stage, o), o.signer ?? byPublishedKey(stage.middle))
}

/** The control of cases about exchanges. @throws Undecided */
export function exchanged(trial: Trial, stage: AuthServerStage, o: ExchangeChange = {}): Promise<WireResponse> {
  return trial.control('the middle exchanges the token that it was called with', () => exchangeRequest(stage, o))
}

/** Changes claims of the upstream token. */
export function upstreamClaims(claims: Readonly<Record<string, unknown>>): ExchangeChange {
  return { upstream: draft => ({ ...draft, claims: { ...draft.claims, ...claims } }) }
}

/** `act` of a token that came through as many services as there are names, the last one innermost. */
export function actOf(iss: string, agents: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  const [agent, ...rest] = agents
  return agent === undefined ? undefined : { iss, agent, act: actOf(iss, rest) }
}
