import { formBody, postDraft } from '../case/post.js'
import type { AuthServerConfiguration } from '../config/auth-server-configuration.js'
import { type EndpointStage, serverPlace, targetOf } from '../endpoint/endpoint-stage.js'
import type { Participant } from '../participants/participant.js'
import { byPublishedKey, parametersAt, type Signer, tokenMember } from '../resource/stage.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { agentTokenDraft, resourceTokenDraft, signToken, type TokenDraft } from '../signing/token.js'
import type { User } from '../user/user.js'
import type { WireRequest } from '../wire/message.js'

/** The auth server under test, and the participants around it. */
export interface AuthServerStage extends EndpointStage {
  readonly configuration: AuthServerConfiguration
  readonly agent: Participant
  readonly otherAgent: Participant
  readonly resource: Participant
  /** Publishes the metadata of `resource` anew: its words for scopes end with this text, and other scopes may be far-reaching. */
  describeScopes(more: string, grave?: readonly string[]): void
  /** A resource for which nothing is granted directly. */
  readonly otherResource: Participant
  /** An auth server whose tokens may be exchanged. */
  readonly upstream: Participant
  /** A resource that exchanges the tokens that it is called with. */
  readonly middle: Participant
  /** A user of the auth server; undefined where the configuration has none. */
  readonly user: User | undefined
  /** Whether cases may wait for half a minute. */
  readonly slow: boolean
  /** Opens an agent that only one case needs. */
  openAgent(members?: Readonly<Record<string, unknown>>): Promise<Participant>
}

/** The stage around an auth server. */
export function authServerPlace(
  o: Omit<AuthServerStage, 'id' | 'authority' | 'scheme' | 'now' | 'right'> & { readonly url: URL },
): AuthServerStage {
  const { configuration, url, ...rest } = o
  const stage: AuthServerStage = {
    ...rest,
    configuration,
    ...serverPlace(configuration.id ?? url.origin),
    right: () => formDraft(stage, directForm(stage)),
  }
  return stage
}

/** A form, as members or as text. */
export type Form = Readonly<Record<string, string>> | string

/** A request to an endpoint of the auth server; default its token endpoint, by the agent itself. */
export function formDraft(
  stage: AuthServerStage,
  form: Form,
  o: { readonly signer?: Signer | undefined; readonly endpoint?: string | undefined } = {},
): Draft {
  return postDraft({
    authority: stage.authority,
    scheme: stage.scheme,
    target: targetOf(stage.metadata, o.endpoint ?? 'agent_token_endpoint'),
    signer: o.signer ?? byPublishedKey(stage.agent),
    body: typeof form === 'string' ? form : formBody(form),
    parameters: parametersAt(stage.now()),
  })
}

/** Signs a form for the token endpoint. */
export function asked(stage: AuthServerStage, form: Form, signer?: Signer): WireRequest {
  return signDraft(formDraft(stage, form, { signer }))
}

/** Changes a token before it is signed. */
export type TokenChange = (draft: TokenDraft, stage: AuthServerStage) => TokenDraft

/** What a resource token is for. */
export interface Wanted {
  readonly scope?: string | undefined
  readonly signer?: { readonly key: TestKey; readonly delegate?: string } | undefined
  readonly resource?: Participant | undefined
  /** The agent that it is for; default the suite's own. */
  readonly agent?: Participant | undefined
}

/** A resource token of the suite's resource. */
export function resourceToken(
  stage: AuthServerStage,
  change: TokenChange = draft => draft,
  wanted: Wanted = {},
): string {
  const {
    signer,
    resource = stage.resource,
    agent = stage.agent,
    scope = stage.configuration.directScopes.join(' '),
  } = wanted
  const draft = resourceTokenDraft(resource, {
    aud: stage.id,
    agent: agent.id,
    ...(signer?.delegate === undefined ? {} : { delegate: signer.delegate }),
    jkt: (signer?.key ?? agent.key).thumbprint,
    scope,
    now: stage.now(),
  })
  return signToken(change(draft, stage))
}

/** The form by which the agent asks for what is granted directly. */
export function directForm(stage: AuthServerStage, change?: TokenChange): Readonly<Record<string, string>> {
  return { request_type: 'auth', resource_token: resourceToken(stage, change) }
}

/** A delegate of the agent. */
export interface Delegate extends Signer {
  readonly delegate: string
}

/** Makes a delegate, or gives one a new key. */
export function makeDelegate(stage: AuthServerStage, sub: string, agent: Participant = stage.agent): Delegate {
  return delegateWith(stage, { sub, agent, claims: {} })
}

/** Makes a delegate whose agent token has more claims. */
export function delegateWith(
  stage: AuthServerStage,
  o: { readonly sub: string; readonly agent: Participant; readonly claims: Readonly<Record<string, unknown>> },
): Delegate {
  const { sub, agent, claims } = o
  const key = makeKey()
  const draft = agentTokenDraft(agent, { sub, key, now: stage.now() })
  const token = signToken({ ...draft, claims: { ...draft.claims, ...claims } })
  return { key, delegate: sub, keyMember: tokenMember(token) }
}

/** The form by which a delegate asks for what is granted directly. */
export function delegateForm(
  stage: AuthServerStage,
  signer: Delegate,
  scope?: string,
): Readonly<Record<string, string>> {
  return { request_type: 'auth', resource_token: resourceToken(stage, undefined, { signer, scope }) }
}
